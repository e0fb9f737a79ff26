"""What ``projects/<name>/project.yaml`` and its groups say, and how serving is declared."""

from typing import Annotated

from pydantic import Field

from groundplan.spec._base import Column, Duration, Model, Name
from groundplan.spec.features import DataSourceSpec, EntitySpec, FeatureServiceSpec, FeatureViewSpec
from groundplan.spec.training import TrainingSpec


class TierSpec(Model):
    """Size of one tier of a serving application: replicas, CPUs of each."""

    replicas: Annotated[int, Field(ge=1, le=1000)] = 1
    cpus: Annotated[float, Field(gt=0, le=256)] = 0.1


class TiersSpec(Model):
    """The four tiers a request passes."""

    api: TierSpec = TierSpec()
    features: TierSpec = TierSpec()
    preprocessing: TierSpec = TierSpec()
    model: TierSpec = TierSpec()


class ServingSpec(Model):
    """One serving application. Without ``alias`` it serves the stack's.

    ``example`` holds entities that people may try it with (`up` ends with their prediction); it changes nothing.
    """

    model: Name
    alias: Name | None = None
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
