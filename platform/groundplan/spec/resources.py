"""What a run of users' code may use, as people declare it."""

from typing import Annotated

from pydantic import Field

from groundplan.spec._base import Duration, Model

#: MiB that a run's pod may use beside the run's own: the process that watches it, and the page cache of what it writes.
AROUND_MB = 512


class RunResources(Model):
    """The most that a run may use: CPUs, memory of all its processes together, time. Beyond it the run is ended.

    No part of what the run makes: to change it makes nothing anew.
    """

    cpus: Annotated[int, Field(ge=1, le=1024)] = 1
    memory_mb: Annotated[int, Field(ge=256, le=4_194_304)] = 2048
    timeout: Duration = "30m"


class TrainingResources(RunResources):
    """The most that a training may use; ``gpus`` are those that its run gets alone."""

    gpus: Annotated[int, Field(ge=0, le=16)] = 0
