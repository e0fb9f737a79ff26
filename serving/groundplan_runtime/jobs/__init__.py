"""Jobs run on Ray (``python -m groundplan_runtime.jobs``): ingest, features, materialize, train, evaluate, skew."""
