"""Groundplan's serving against its rivals: the same pair, the same features, the same machine, one run.

``docs/benchmarks.md`` says how to run it and how to read it.
"""
