"""What every part of the control plane works with: the engine and one adapter a service."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from groundplan.controlplane import operations
from groundplan.controlplane.adapters import templates
from groundplan.controlplane.adapters.feast import FeastAdapter
from groundplan.controlplane.adapters.jobs import Jobs
from groundplan.controlplane.adapters.kube_api import KubeApi
from groundplan.controlplane.adapters.kube_jobs import KubeJobs, Mould
from groundplan.controlplane.adapters.kube_serve import KubeServe
from groundplan.controlplane.adapters.mlflow import MlflowAdapter
from groundplan.controlplane.adapters.objects import Objects
from groundplan.controlplane.adapters.ray_jobs import RayJobs
from groundplan.controlplane.adapters.ray_serve import RayServe
from groundplan.controlplane.adapters.single import Singles
from groundplan.controlplane.db.engine import make_engine
from groundplan.controlplane.personal import Marks
from groundplan.controlplane.store import Actor, Resource
from groundplan_runtime.config import Runtime


@dataclass(frozen=True)
class Platform:
    """The services, behind their adapters. Nothing is asked before it is needed."""

    runtime: Runtime
    engine: sa.Engine
    objects: Objects
    feast: FeastAdapter
    mlflow: MlflowAdapter
    jobs: Jobs
    serve: RayServe
    singles: Singles
    marks: Marks = field(default_factory=Marks)

    @property
    def shares(self) -> bool:
        """Whether the registry is another stack's: its pairs are read there, and nothing is written."""
        return self.runtime.registry is not None

    @classmethod
    def of(cls, runtime: Runtime) -> "Platform":
        """Return the platform that ``runtime`` describes."""
        jobs, serve = _in_cluster(runtime) if templates.in_cluster() else (RayJobs(runtime), RayServe(runtime))
        adapters = (Objects(runtime), FeastAdapter(runtime), MlflowAdapter(runtime), jobs, serve, Singles(runtime))
        return cls(runtime, make_engine(runtime), *adapters)


def _in_cluster(runtime: Runtime) -> tuple[Jobs, RayServe]:
    api = KubeApi()
    mould = Mould(templates.template(templates.RUN), templates.settings())
    jobs = KubeJobs(api, mould, templates.homes())
    return jobs, KubeServe(runtime, api, templates.template(templates.RAY))


@dataclass(frozen=True)
class Work:
    """One piece of work on one resource: for whom, under which operation, and where progress goes."""

    platform: Platform
    resource: Resource
    actor: Actor
    operation: str
    say: Callable[[str], None]
    #: What a person asked for beside the declaration.
    request: Mapping[str, Any] = field(default_factory=dict)

    def cancelled(self) -> bool:
        """Whether something else has been declared meanwhile: what waits for this work need not."""
        with self.platform.engine.connect() as connection:
            return not operations.is_running(connection, self.operation)
