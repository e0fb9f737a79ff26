"""MiniStack with what it lacks for a whole life of our stacks.

Runs in MiniStack's own environment (``tests.support.aws.emulator``), so it imports nothing of ours.
"""

import sys

import ec2_kept  # type: ignore[import-not-found]
import eks_kept  # type: ignore[import-not-found]
import elasticache_kept  # type: ignore[import-not-found]
import rds_kept  # type: ignore[import-not-found]
import s3_kept  # type: ignore[import-not-found]
from ministack.app import main  # type: ignore[import-not-found]

for each in (ec2_kept, eks_kept, elasticache_kept, rds_kept, s3_kept):
    each.mend()
sys.argv = ["ministack"]
main()
