select shop, day as event_timestamp, work_ms from days
