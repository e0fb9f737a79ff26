"""What a job is told: the document in ``GROUNDPLAN_JOB``, and the way it tells how far it is."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from groundplan_runtime.errors import RuntimeProblem
from groundplan_runtime.isolation.limits import CPUS, MEMORY_MB

VARIABLE = "GROUNDPLAN_JOB"


@dataclass(frozen=True)
class Job:
    """One job. ``properties`` are those of the plan's node; ``inputs`` name the Parquet objects it reads."""

    job: str
    project: str
    name: str
    digest: str
    properties: Mapping[str, Any]
    result_uri: str
    output_uri: str | None = None
    code_uri: str | None = None
    inputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    entities: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    views: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    feature_service: str | None = None
    experiment: str | None = None
    pairs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    requests: Sequence[Sequence[Mapping[str, Any]]] = ()
    resources: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_environment(cls) -> "Job":
        """Read the document. RuntimeProblem when there is none, or a key that every job needs is missing."""
        text = os.environ.get(VARIABLE)
        if not text:
            raise RuntimeProblem("is not set", path=VARIABLE, fix="jobs are started by the control plane")
        document = json.loads(text)
        missing = [
            key for key in ("job", "project", "name", "digest", "properties", "result_uri") if key not in document
        ]
        if missing:
            raise RuntimeProblem(f"has no {', '.join(missing)}", path=VARIABLE)
        known = {key: value for key, value in document.items() if key in cls.__dataclass_fields__ and value is not None}
        return cls(**known)

    @property
    def threads(self) -> int:
        """How many threads the job may use: its share of CPUs, at least one."""
        return max(1, int(self.resources.get("cpus") or CPUS))

    @property
    def memory_mb(self) -> int:
        """How much memory DuckDB may use, in MB: half of what the whole run may."""
        return int(self.resources.get("memory_mb") or MEMORY_MB) // 2

    def target(self) -> str:
        """Return where the job's table goes; RuntimeProblem when it was not told."""
        if self.output_uri is None:
            raise RuntimeProblem("has no output_uri", path=VARIABLE)
        return self.output_uri

    def say(self, text: str) -> None:
        """Tell people how far the job is: one line, which the control plane passes on."""
        print(f"GROUNDPLAN {text}", flush=True)  # noqa: T201
