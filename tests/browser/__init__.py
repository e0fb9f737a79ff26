"""The catalogue in a real browser, against a real control plane on PostgreSQL."""
