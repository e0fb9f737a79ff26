"""Jobs on Ray (``-m groundplan_runtime.jobs``): ingest, features, materialize, train, evaluate, skew, shadow."""
