select shop, day as event_timestamp, mark, level from days
