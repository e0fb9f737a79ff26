"""MiniStack with what it lacks for a whole life of our stacks.

Runs in MiniStack's own environment (``tests.support.aws.emulator``), so it imports nothing of ours.
"""

import sys

import ec2_kept  # type: ignore[import-not-found]
import eks_kept  # type: ignore[import-not-found]
import elasticache_kept  # type: ignore[import-not-found]
import rds_kept  # type: ignore[import-not-found]
import s3_kept  # type: ignore[import-not-found]
from hypercorn.config import Config  # type: ignore[import-not-found]
from ministack.app import main  # type: ignore[import-not-found]

#: Seconds. The provider uses a connection again that has been idle for up to 90 (MiniStack closes it after 75): a
#: request that meets the close is carried out and not answered, is sent again, and "already exists".
IDLE = 600
Config.keep_alive_timeout = property(lambda _: IDLE, lambda _, given: None)
for each in (ec2_kept, eks_kept, elasticache_kept, rds_kept, s3_kept):
    each.mend()
sys.argv = ["ministack"]
main()
