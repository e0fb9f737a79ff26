"""``make bench``: every benchmark, one after the other. Figures for the note, never asserted."""

import runpy
import sys

for module in ("benchmarks.compose_plan", "benchmarks.online_features", "benchmarks.local_stack"):
    sys.argv = [module]
    runpy.run_module(module, run_name="__main__")
