"""Rules as pure functions: gates, pairing, what serving is told."""
