"""Jobs that the control plane runs on Ray as ``python -m groundplan_runtime.jobs``: ingest, features, materialize, train."""
