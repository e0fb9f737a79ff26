-- Traffic at the airport of departure, one row an hour: the row of 14:00 holds what was known at 14:00.
-- A delay is known once the aircraft has left, so a departure counts from the first full hour after it. The schedule is known in advance.
WITH hours AS (
    SELECT origin, unnest(generate_series(first_hour, last_hour, INTERVAL 1 HOUR)) AS event_timestamp
    FROM (SELECT DISTINCT origin FROM flights), (SELECT min(time_hour) AS first_hour, max(time_hour) AS last_hour FROM flights)
),
departures AS (
    SELECT
        origin,
        date_trunc('hour', time_hour + to_minutes(minute + dep_delay)) + INTERVAL 1 HOUR AS event_timestamp,
        count(*) AS flights,
        sum(dep_delay) AS delay,
        sum((dep_delay > 15)::INT) AS late
    FROM flights WHERE dep_delay IS NOT NULL GROUP BY ALL
),
schedule AS (SELECT origin, time_hour AS event_timestamp, count(*) AS flights FROM flights GROUP BY ALL),
-- Due but still at the gate: a cancelled flight looks the same from outside, and is counted for six hours.
waiting AS (
    SELECT
        origin,
        unnest(generate_series(
            date_trunc('hour', due) + INTERVAL 1 HOUR, due + to_minutes(least(coalesce(dep_delay, 360), 360)), INTERVAL 1 HOUR
        )) AS event_timestamp,
        date_diff('minute', due, event_timestamp) AS minutes
    FROM (SELECT origin, dep_delay, time_hour + to_minutes(minute) AS due FROM flights)
),
queue AS (SELECT origin, event_timestamp, count(*) AS flights, sum(minutes) AS minutes FROM waiting GROUP BY ALL)
SELECT
    hours.origin,
    hours.event_timestamp,
    hour(hours.event_timestamp AT TIME ZONE 'America/New_York') AS local_hour,
    isodow(hours.event_timestamp AT TIME ZONE 'America/New_York') AS weekday,
    coalesce(schedule.flights, 0) AS scheduled,
    coalesce(queue.flights, 0) AS waiting,
    coalesce(queue.minutes, 0)::BIGINT AS waiting_minutes,
    (sum(departures.flights) OVER last_3h)::BIGINT AS departed_3h,
    sum(departures.delay) OVER last_3h / sum(departures.flights) OVER last_3h AS mean_delay_3h,
    sum(departures.late) OVER last_3h / sum(departures.flights) OVER last_3h AS late_share_3h,
    sum(departures.delay) OVER last_24h / sum(departures.flights) OVER last_24h AS mean_delay_24h
FROM hours
LEFT JOIN departures USING (origin, event_timestamp)
LEFT JOIN schedule USING (origin, event_timestamp)
LEFT JOIN queue USING (origin, event_timestamp)
WINDOW
    last_3h AS (PARTITION BY hours.origin ORDER BY hours.event_timestamp ROWS BETWEEN 2 PRECEDING AND CURRENT ROW),
    last_24h AS (PARTITION BY hours.origin ORDER BY hours.event_timestamp ROWS BETWEEN 23 PRECEDING AND CURRENT ROW)
