"""Entities, data sources, feature views and feature services, as people declare them."""

from typing import Annotated, Literal

from pydantic import Field

from groundplan.spec._base import Column, DataPath, Duration, FieldType, FilePath, Model, Name, PythonRef, SqlFile
from groundplan.spec.personal import Personal
from groundplan.spec.resources import RunResources

Fields = Annotated[dict[Column, FieldType], Field(min_length=1)]
Names = Annotated[tuple[Name, ...], Field(min_length=1)]


class EntitySpec(Model):
    """What features are about, found by one key. ``personal``: it is a person."""

    join_key: Column
    type: Literal["string", "int64"]
    description: str = ""
    personal: bool = False


class DataSourceSpec(Model):
    """A raw table: a file inside an installed package, a CSV or Parquet file, or what a Python function returns."""

    kind: Literal["package", "csv", "parquet", "python"]
    package: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.\-]+$")] | None = None
    file: FilePath | None = None
    path: DataPath | None = None
    python: PythonRef | None = None
    fields: Fields
    personal: Personal = False
    resources: RunResources = RunResources()


class FeatureViewSpec(Model):
    """Features of some entities, made by SQL or Python from its inputs.

    ``timestamp`` is the column that says from when a row is known; a row older than ``ttl`` is not used.
    ``personal``: left out, what its inputs are; ``false`` ends that.
    """

    entities: Names
    inputs: Names
    sql: SqlFile | None = None
    python: PythonRef | None = None
    timestamp: Column
    ttl: Duration
    fields: Annotated[dict[Name, FieldType], Field(min_length=1)]
    online: bool = True
    description: str = ""
    tags: dict[str, str] = {}
    personal: Personal | None = None
    resources: RunResources = RunResources()


class FeatureServiceSpec(Model):
    """The features that a model uses: view → the fields taken from it, or ``all``."""

    views: Annotated[dict[Name, Literal["all"] | Names], Field(min_length=1)]
