"""Runs the one job that ``GROUNDPLAN_JOB`` describes, kept apart, and writes its result."""

import sys

from groundplan_runtime.isolation.keeper import main

sys.exit(main())
