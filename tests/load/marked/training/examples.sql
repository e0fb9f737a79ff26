select shop, day as event_timestamp, level from days
