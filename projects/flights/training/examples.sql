-- What is learned: the mean departure delay, in minutes, of the flights that a carrier has scheduled at an airport within the hour
-- that begins at event_timestamp. Hours in which all of them were cancelled have no delay.
SELECT origin, carrier, time_hour AS event_timestamp, avg(dep_delay) AS delay
FROM flights
WHERE dep_delay IS NOT NULL
GROUP BY ALL
