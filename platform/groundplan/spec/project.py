"""What ``projects/<name>/project.yaml`` and its groups say, and how serving is declared."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from groundplan.spec._base import Column, Duration, Model, Name
from groundplan.spec.features import DataSourceSpec, EntitySpec, FeatureServiceSpec, FeatureViewSpec
from groundplan.spec.training import TrainingSpec


class ReplicasSpec(Model):
    """How many replicas a tier has, at least and at most: it scales on its target in between."""

    min: Annotated[int, Field(ge=1, le=1000)] = 1
    max: Annotated[int, Field(ge=1, le=1000)]


def _is_range(given: object) -> str:
    return "range" if isinstance(given, Mapping | ReplicasSpec) else "number"


#: ``replicas: 2`` or ``replicas: {min: 1, max: 4}``; a mistake is told of the form that was meant.
Replicas = Annotated[
    Annotated[int, Field(ge=1, le=1000), Tag("number")] | Annotated[ReplicasSpec, Tag("range")],
    Discriminator(_is_range),
]


class TargetSpec(Model):
    """What a tier scales on, one of: waiting requests a replica, milliseconds a feature query takes, CPU or GPU %."""

    queue: Annotated[float, Field(gt=0, le=10_000)] | None = None
    query_ms: Annotated[float, Field(gt=0, le=60_000)] | None = None
    cpu: Annotated[float, Field(gt=0, le=100)] | None = None
    gpu: Annotated[float, Field(gt=0, le=100)] | None = None


class TierSpec(Model):
    """Size of one tier of a serving application: replicas, what each takes, how many requests each works on.

    ``max_ongoing`` requests are at work in a replica, ``max_queued`` wait for one: more are refused at once (503).
    """

    replicas: Replicas = 1
    cpus: Annotated[float, Field(gt=0, le=256)] = 0.1
    gpus: Annotated[float, Field(ge=0, le=64)] = 0
    memory_mb: Annotated[int, Field(ge=1)] | None = None
    max_ongoing: Annotated[int, Field(ge=1, le=10_000)] = 32
    max_queued: Annotated[int, Field(ge=1, le=100_000)] = 128
    target: TargetSpec = TargetSpec()


class TiersSpec(Model):
    """The four tiers a request passes. ``fused`` and ``single`` have one process: the size of ``api`` is its size."""

    api: TierSpec = TierSpec()
    features: TierSpec = TierSpec()
    preprocessing: TierSpec = TierSpec()
    model: TierSpec = TierSpec()


class ServingSpec(Model):
    """One serving application. Without ``alias`` or ``traffic`` it serves the stack's alias.

    ``traffic`` gives weights (percent) to several aliases: the same entity always meets the same one, by its
    ``sticky`` join keys. ``shadow`` aliases see every request and answer nobody: what they say is logged.
    ``example`` holds entities that people may try it with (`up` ends with their prediction); it changes nothing.
    """

    model: Name
    topology: Literal["tiered", "fused", "single"] = "tiered"
    alias: Name | None = None
    traffic: dict[Name, Annotated[float, Field(ge=0, le=100)]] = {}
    sticky: tuple[Column, ...] = ()
    shadow: tuple[Name, ...] = ()
    tiers: TiersSpec = TiersSpec()
    max_batch: Annotated[int, Field(ge=1, le=100_000)] = 1000
    timeout: Duration = "5s"
    example: tuple[dict[Column, str | int | float | bool], ...] = ()


class ProjectSpec(Model):
    """One project: who owns it, and everything that it declares."""

    name: Name
    team: Name
    owner: Annotated[str, Field(min_length=1, max_length=200)]
    description: str = ""
    entities: dict[Name, EntitySpec] = {}
    data_sources: dict[Name, DataSourceSpec] = {}
    feature_views: dict[Name, FeatureViewSpec] = {}
    feature_services: dict[Name, FeatureServiceSpec] = {}
    training: dict[Name, TrainingSpec] = {}
    serving: dict[Name, ServingSpec] = {}
