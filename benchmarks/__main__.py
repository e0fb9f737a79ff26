"""``make bench``: every benchmark, one after the other. Figures for the note, never asserted."""

import runpy
import sys

MODULES = ("compose_plan", "online_features", "between_tiers", "local_stack")
for name in MODULES:
    module = f"benchmarks.{name}"
    sys.argv = [module]
    runpy.run_module(module, run_name="__main__")
