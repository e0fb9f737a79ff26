-- To be predicted at the start of each day: what the shop sells on it.
select shop, day as event_timestamp, sales from daily_sales
