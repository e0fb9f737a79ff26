-- Weather at the airport of departure. An observation is taken within its hour, so it is known from the hour's end.
SELECT
    origin,
    time_hour + INTERVAL 1 HOUR AS event_timestamp,
    temp,
    wind_speed,
    precip,
    visib,
    pressure,
    pressure - lag(pressure, 3) OVER by_origin AS pressure_trend,
    sum(precip) OVER (by_origin ROWS BETWEEN 5 PRECEDING AND CURRENT ROW) AS precip_6h
FROM weather
WINDOW by_origin AS (PARTITION BY origin ORDER BY time_hour)
