"""What a run of users' code may use, as people declare it."""

from typing import Annotated

from pydantic import Field

from groundplan.spec._base import Duration, Model


class RunResources(Model):
    """The most that a run may use: CPUs, memory of all its processes together, time. Beyond it the run is ended.

    No part of what the run makes: to change it makes nothing anew.
    """

    cpus: Annotated[int, Field(ge=1, le=1024)] = 1
    memory_mb: Annotated[int, Field(ge=256, le=4_194_304)] = 2048
    timeout: Duration = "30m"
