"""Feast as Groundplan uses it: its configuration from the runtime's, its objects from the plan's properties."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from groundplan_runtime.config import Runtime
from groundplan_runtime.errors import RuntimeProblem
from groundplan_runtime.isolation.online_user import READER

#: The endpoint of a run that is kept apart: a file with the project's registry as it was when the run was made.
FEAST_REGISTRY = "feast_registry"
DIGEST_TAG = "groundplan_digest"
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def duration(text: str) -> timedelta:
    """Return a duration such as ``3h`` or ``28d``; RuntimeProblem for one that is not."""
    found = re.fullmatch(r"([1-9][0-9]*)([smhdw])", text)
    if not found:
        raise RuntimeProblem("no duration", value=text, allowed="a whole number and s, m, h, d or w, as in 3h")
    return timedelta(seconds=int(found[1]) * _SECONDS[found[2]])


def instant(text: str) -> datetime:
    """Return an ISO 8601 instant, as plans write them, in UTC."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)


def repo_config(runtime: Runtime, project: str, *, reads_only: bool = False) -> Any:
    """Return Feast's configuration of a project: registry in PostgreSQL, Parquet offline, Valkey online.

    The registry's password comes from PGPASSFILE (see :meth:`Runtime.environment`); the online store's stays in memory.
    A run that is kept apart has a copy of the registry, a file, and no online store. ``reads_only``: as
    who may change neither registry nor online store, over tables that are there.
    """
    from feast.repo_config import RepoConfig

    from groundplan_runtime.offline import TYPE

    if FEAST_REGISTRY in runtime.endpoints:
        return RepoConfig(
            project=project,
            provider="local",
            registry={"registry_type": "file", "path": runtime.endpoint(FEAST_REGISTRY)},
            online_store={"type": "sqlite", "path": str(runtime.data_dir / "online.db")},
            offline_store={"type": TYPE},
            entity_key_serialization_version=3,
        )
    return RepoConfig(
        project=project,
        provider="local",
        registry={
            "registry_type": "sql",
            "path": _registry(runtime, READER if reads_only else "feast"),
            "schema_mode": "skip" if reads_only else "auto",
            "cache_ttl_seconds": 0,  # read once a process: a change of the features restarts who serves them
            "sqlalchemy_config_kwargs": {"pool_pre_ping": True, "pool_size": 2, "max_overflow": 4},
        },
        online_store={"type": "redis", "connection_string": _online(runtime, reads_only)},
        offline_store={"type": TYPE},
        materialization_config={"pull_latest_features": True},
        entity_key_serialization_version=3,
    )


def _registry(runtime: Runtime, role: str) -> str:
    return f"postgresql+psycopg://{role}@{runtime.endpoint('database')}/feast"


def _online(runtime: Runtime, reads_only: bool) -> str:
    # Feast reads values as JSON: in quotes, or a password of digits becomes a number. Timeouts: never a hang.
    # A cloud's own store has one user.
    reader = reads_only and runtime.secret_file("online-store-reader").exists()
    password = runtime.secret("online-store-reader" if reader else "online-store")
    more = f",username={READER}" if reader else ""
    more += ",ssl=true" if runtime.tls else ""
    return f'{runtime.endpoint("online_store")},password="{password}",socket_connect_timeout=2,socket_timeout=5{more}'


def store(runtime: Runtime, project: str, *, reads_only: bool = False) -> Any:
    """Return Feast's store of a project. Costs seconds to import the first time, and reads the registry."""
    from feast import FeatureStore

    return FeatureStore(config=repo_config(runtime, project, reads_only=reads_only))


def registered(runtime: Runtime, project: str) -> bool:
    """Tell whether the registry knows a project, as who may read it only: a store that is made would make the project.

    Raises:
        RuntimeProblem: the registry does not answer.
    """
    import sqlalchemy as sa
    from feast.infra.registry.sql import projects

    engine = sa.create_engine(_registry(runtime, READER), poolclass=sa.NullPool)
    try:
        with engine.connect() as connection:
            there = sa.inspect(connection).has_table(projects.name)
            found = sa.select(projects.c.project_id).where(projects.c.project_id == project)
            return there and connection.execute(found).first() is not None
    except sa.exc.OperationalError:
        raise RuntimeProblem("Feast's registry does not answer", path="database", fix="groundplan status") from None


def entity(name: str, properties: Mapping[str, Any]) -> Any:
    """Return Feast's entity of a plan's Entity."""
    from feast import Entity, ValueType

    kinds = {"string": ValueType.STRING, "int64": ValueType.INT64}
    return Entity(
        name=name,
        join_keys=[properties["join_key"]],
        value_type=kinds[properties["type"]],
        description=properties.get("description", ""),
        tags=_tags(properties),
    )


def feature_view(name: str, properties: Mapping[str, Any], entities: Mapping[str, Any], uri: str) -> Any:
    """Return Feast's view of a plan's FeatureView over the Parquet at ``uri``; ``entities`` are Feast's, by name."""
    from feast import FeatureView, Field, FileSource
    from feast.types import from_value_type

    own = [entities[each] for each in properties["entities"]]
    keys = [Field(name=each.join_key, dtype=from_value_type(each.value_type)) for each in own]
    fields = [Field(name=field, dtype=_type(kind)) for field, kind in properties["fields"].items()]
    return FeatureView(
        name=name,
        entities=own,
        ttl=duration(properties["ttl"]),
        schema=[*keys, *fields],
        source=FileSource(name=f"{name}_rows", path=uri, timestamp_field=properties["timestamp"]),
        online=properties.get("online", True),
        description=properties.get("description", ""),
        tags=_tags(properties),
    )


def feature_service(name: str, properties: Mapping[str, Any], views: Mapping[str, Any]) -> Any:
    """Return Feast's feature service of a plan's FeatureService; ``views`` are Feast's, by name."""
    from feast import FeatureService

    return FeatureService(
        name=name,
        features=[views[view][list(fields)] for view, fields in properties["views"].items()],
        tags=_tags(properties),
    )


def _type(kind: str) -> Any:
    from feast import types

    known = {
        "string": types.String,
        "int64": types.Int64,
        "float64": types.Float64,
        "bool": types.Bool,
        "timestamp": types.UnixTimestamp,
    }
    return known[kind]


def _tags(properties: Mapping[str, Any]) -> dict[str, str]:
    tags = {str(key): str(value) for key, value in properties.get("tags", {}).items()}
    return tags | ({DIGEST_TAG: properties["digest"]} if "digest" in properties else {})
