"""Feast: entities, feature views and services in its registry, and the online rows of a view."""

import threading
from collections.abc import Mapping
from typing import Any

from groundplan_runtime.config import Runtime
from groundplan_runtime.online_rows import OnlineRows

#: The lists of Feast's registry that make up a project.
SNAPSHOT = ("entities", "feature_views", "data_sources", "feature_services", "project_metadata", "projects")
#: How a duration is spelled: in the largest unit that fits.
UNITS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


class FeastAdapter:
    """Feast's stores, one a project. Feast has no lock of its own: one change of a project at a time here."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._online = OnlineRows(runtime)
        self._stores: dict[str, Any] = {}
        self._making = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}

    def apply_entity(self, project: str, name: str, properties: Mapping[str, Any]) -> None:
        """Register an entity as declared."""
        from groundplan_runtime import feast_repo

        with self._lock(project):
            self._store(project).apply([feast_repo.entity(name, properties)])

    def apply_feature_view(
        self,
        project: str,
        name: str,
        properties: Mapping[str, Any],
        *,
        uri: str,
        entities: Mapping[str, Mapping[str, Any]],
    ) -> None:
        """Register a feature view over the Parquet at ``uri``; ``entities`` are its own, as declared."""
        from groundplan_runtime import feast_repo

        with self._lock(project):
            own = {entity: feast_repo.entity(entity, given) for entity, given in entities.items()}
            self._store(project).apply([*own.values(), feast_repo.feature_view(name, properties, own, uri)])

    def apply_feature_service(self, project: str, name: str, properties: Mapping[str, Any]) -> None:
        """Register a feature service over views that are registered."""
        from groundplan_runtime import feast_repo

        with self._lock(project):
            store = self._store(project)
            views = {view: store.get_feature_view(view) for view in properties["views"]}
            store.apply([feast_repo.feature_service(name, properties, views)])

    def observe(self, project: str, kind: str, name: str, like: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return what the registry says of an object, in our words; None when it is not there.

        Where a value means the same as in ``like`` (``36h`` and ``1.5d``), it is spelled as there.
        """
        found = self._find(project, kind, name)
        if found is None:
            return None
        readers = {"entity": _entity, "feature_view": _view, "feature_service": _service}
        return readers[kind](found, like)

    def delete(self, project: str, kind: str, name: str) -> None:
        """Take an object out of the registry; one that is not there is left alone. A view's online rows go first."""
        with self._lock(project):
            found, registry = self._find(project, kind, name), self._store(project).registry
            if found is None:
                return
            if kind == "entity":
                registry.delete_entity(name, project)
            elif kind == "feature_service":
                registry.delete_feature_service(name, project)
            else:
                # Rows before their view: after a crash between the two, the next delete still finds the view.
                self._online.drop(project, name, found.join_keys, _features(found))
                registry.delete_feature_view(name, project)
                registry.delete_data_source(found.batch_source.name, project)

    def drop_online(self, project: str, view: str) -> None:
        """Delete a view's rows from the online store."""
        with self._lock(project):
            found = self._find(project, "feature_view", view)
            if found is not None:
                self._online.drop(project, view, found.join_keys, _features(found))

    def has_online_rows(self, project: str, view: str) -> bool:
        """Whether the online store holds a row of the view: Feast's registry would not notice that they are gone."""
        found = self._find(project, "feature_view", view)
        return found is not None and self._online.any(project, view, found.join_keys)

    def snapshot(self, project: str) -> bytes:
        """Return a project's part of the registry as the file that Feast's file registry reads: for runs kept apart."""
        found = self._store(project).registry.proto()
        own = type(found)(registry_schema_version=found.registry_schema_version)
        for name in SNAPSHOT:
            getattr(own, name).extend(each for each in getattr(found, name) if _project_of(name, each) == project)
        return bytes(own.SerializeToString())

    def _lock(self, project: str) -> threading.Lock:
        return self._locks.setdefault(project, threading.Lock())

    def _store(self, project: str) -> Any:
        from groundplan_runtime import feast_repo

        with self._making:
            if project not in self._stores:
                self._stores[project] = feast_repo.store(self._runtime, project)
            return self._stores[project]

    def _find(self, project: str, kind: str, name: str) -> Any:
        from feast import errors

        store = self._store(project)
        getters = {
            "entity": store.get_entity,
            "feature_view": store.get_feature_view,
            "feature_service": store.get_feature_service,
        }
        try:
            return getters[kind](name)
        except errors.FeastObjectNotFoundException:
            return None


def _project_of(list_name: str, proto: Any) -> str:
    if list_name == "projects":
        return str(proto.spec.name)
    return str(proto.spec.project if hasattr(proto, "spec") else proto.project)


def _features(view: Any) -> list[str]:
    return [feature.name for feature in view.features]


def _entity(found: Any, _: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "join_key": found.join_key,
        "type": found.value_type.name.lower(),
        "description": found.description,
    }


def _view(found: Any, like: Mapping[str, Any]) -> dict[str, Any]:
    from groundplan_runtime import feast_repo

    keys = set(found.join_keys)
    same_ttl = "ttl" in like and found.ttl == feast_repo.duration(like["ttl"])
    tags = {key: value for key, value in found.tags.items() if key != feast_repo.DIGEST_TAG}
    return {
        "entities": list(found.entities),
        "ttl": like["ttl"] if same_ttl else _spelled(int(found.ttl.total_seconds())),
        "fields": {f.name: _type(f.dtype) for f in found.schema if f.name not in keys},
        "timestamp": found.batch_source.timestamp_field,
        "uri": found.batch_source.path,
        "online": found.online,
        "description": found.description,
        "tags": like["tags"] if {k: str(v) for k, v in like.get("tags", {}).items()} == tags else tags,
    }


def _spelled(seconds: int) -> str:
    unit, length = next((unit, length) for unit, length in UNITS if seconds % length == 0)
    return f"{seconds // length}{unit}"


def _service(found: Any, _: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "views": {view.name: [feature.name for feature in view.features] for view in found.feature_view_projections}
    }


def _type(dtype: Any) -> str:
    from feast import types

    known = {
        types.String: "string",
        types.Int64: "int64",
        types.Float64: "float64",
        types.Bool: "bool",
        types.UnixTimestamp: "timestamp",
    }
    return known.get(dtype, str(dtype))
