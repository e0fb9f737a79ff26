"""Runs the one job that ``GROUNDPLAN_JOB`` describes, and writes its result."""

import sys

from groundplan_runtime.jobs.run import main

sys.exit(main())
