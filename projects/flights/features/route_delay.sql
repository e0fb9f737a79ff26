-- One carrier at one airport, one row an hour, holding what was known at that hour (see origin_traffic.sql).
-- mean_delay_24h is the naive forecast: the mean over the last 24 hours in which this carrier left this airport, however long ago they are.
WITH departures AS (
    SELECT
        origin,
        carrier,
        date_trunc('hour', time_hour + to_minutes(minute + dep_delay)) + INTERVAL 1 HOUR AS event_timestamp,
        count(*) AS flights,
        sum(dep_delay) AS delay
    FROM flights WHERE dep_delay IS NOT NULL GROUP BY ALL
),
known AS (
    SELECT
        origin,
        carrier,
        event_timestamp,
        delay / flights AS last_delay,
        sum(delay) OVER last_24 / sum(flights) OVER last_24 AS mean_delay_24h,
        median(delay / flights) OVER last_24 AS median_delay_24h,
        sum(delay) OVER week / sum(flights) OVER week AS mean_delay_7d
    FROM departures
    WINDOW
        last_24 AS (PARTITION BY origin, carrier ORDER BY event_timestamp ROWS BETWEEN 23 PRECEDING AND CURRENT ROW),
        week AS (PARTITION BY origin, carrier ORDER BY event_timestamp RANGE BETWEEN INTERVAL 7 DAYS PRECEDING AND CURRENT ROW)
),
hours AS (
    SELECT origin, carrier, unnest(generate_series(first_hour, last_hour, INTERVAL 1 HOUR)) AS event_timestamp
    FROM (SELECT origin, carrier, min(event_timestamp) AS first_hour FROM departures GROUP BY ALL),
        (SELECT max(time_hour) AS last_hour FROM flights)
),
schedule AS (SELECT origin, carrier, time_hour AS event_timestamp, count(*) AS flights FROM flights GROUP BY ALL),
waiting AS (
    SELECT
        origin,
        carrier,
        unnest(generate_series(
            date_trunc('hour', due) + INTERVAL 1 HOUR, due + to_minutes(least(coalesce(dep_delay, 360), 360)), INTERVAL 1 HOUR
        )) AS event_timestamp,
        date_diff('minute', due, event_timestamp) AS minutes
    FROM (SELECT origin, carrier, dep_delay, time_hour + to_minutes(minute) AS due FROM flights)
),
queue AS (SELECT origin, carrier, event_timestamp, count(*) AS flights, sum(minutes) AS minutes FROM waiting GROUP BY ALL)
SELECT
    hours.origin,
    hours.carrier,
    hours.event_timestamp,
    known.mean_delay_24h,
    known.median_delay_24h,
    known.mean_delay_7d,
    known.last_delay,
    date_diff('hour', known.event_timestamp, hours.event_timestamp) AS hours_since,
    coalesce(schedule.flights, 0) AS scheduled,
    coalesce(queue.flights, 0) AS waiting,
    coalesce(queue.minutes, 0)::BIGINT AS waiting_minutes
FROM hours
ASOF JOIN known
    ON known.origin = hours.origin AND known.carrier = hours.carrier AND known.event_timestamp <= hours.event_timestamp
LEFT JOIN schedule
    ON schedule.origin = hours.origin AND schedule.carrier = hours.carrier AND schedule.event_timestamp = hours.event_timestamp
LEFT JOIN queue
    ON queue.origin = hours.origin AND queue.carrier = hours.carrier AND queue.event_timestamp = hours.event_timestamp
WHERE known.event_timestamp > hours.event_timestamp - INTERVAL 28 DAYS -- longer without a departure: not an active route
