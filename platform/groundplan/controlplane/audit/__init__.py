"""The audit trail: events in a hash chain, checkpoints outside the database, and the registry rebuilt from them."""
