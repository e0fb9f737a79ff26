select shop, day as event_timestamp, mark, work_ms from days
