"""Strategies by which features are retrieved. A client never names one: :func:`using` changes them in one place.

``past`` answers history (Feast's offline store), ``present`` answers now (Feast's online store); :class:`InMemory` does
both from frames, for tests and notebooks.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from groundplan_runtime import feast_repo, pointintime
from groundplan_runtime.config import Runtime

Tense = Literal["past", "present"]


class Historical:
    """Features as they were known at each example's time, from Feast's offline store."""

    def __init__(self, project: str, runtime: Runtime | None = None) -> None:
        self.store = feast_repo.store(runtime or Runtime.load(), project)

    def history(self, service: str, examples: Any) -> Any:
        """Return the examples with their features."""
        wanted = self.store.get_feature_service(service)
        return self.store.get_historical_features(examples, features=wanted, full_feature_names=True).to_df()

    def views(self, service: str) -> dict[str, dict[str, Any]]:
        """Return the service's views with their fields, keys and rows."""
        found = {each.name: each for each in self.store.get_feature_service(service).feature_view_projections}
        return {name: self._view(name, [field.name for field in each.features]) for name, each in found.items()}

    def _view(self, name: str, fields: list[str]) -> dict[str, Any]:
        view = self.store.get_feature_view(name)
        keys = {column.name: column.dtype.name.lower() for column in view.entity_columns}
        return {"fields": fields, "keys": keys, "uri": view.batch_source.path}


class Online:
    """Features as they are known now, from Feast's online store: one call for all entities and views."""

    def __init__(self, project: str, runtime: Runtime | None = None) -> None:
        self.store = feast_repo.store(runtime or Runtime.load(), project)
        self._services: dict[str, Any] = {}

    def now(self, service: str, entities: list[dict[str, Any]]) -> dict[str, list[Any]]:
        """Return the columns of all entities."""
        return self.store.get_online_features(self._service(service), entities, full_feature_names=True).to_dict()

    async def anow(self, service: str, entities: list[dict[str, Any]]) -> dict[str, list[Any]]:
        """Return the columns of all entities; the registry, read once, is read in a thread."""
        wanted = await asyncio.to_thread(self._service, service)
        found = await self.store.get_online_features_async(wanted, entities, full_feature_names=True)
        return found.to_dict()

    def _service(self, service: str) -> Any:
        if service not in self._services:
            self._services[service] = self.store.get_feature_service(service)
        return self._services[service]


@dataclass(frozen=True)
class InMemory:
    """Features of frames in memory. ``services`` names fields by view; now is the newest row, whatever its age."""

    frames: Mapping[str, Any]
    keys: Mapping[str, Sequence[str]]
    services: Mapping[str, Mapping[str, Sequence[str]]]
    timestamp: str = "event_timestamp"
    ttl: float | None = None

    def history(self, service: str, examples: Any) -> Any:
        """Return the examples with their features, by the same join as the offline store's."""
        import pyarrow as pa

        joined = [self._view(view, fields) for view, fields in self.services[service].items()]
        table = pa.Table.from_pandas(examples, preserve_index=False)
        return pointintime.join(table, self.timestamp, joined).to_pandas()

    def now(self, service: str, entities: list[dict[str, Any]]) -> dict[str, list[Any]]:
        """Return the columns of all entities."""
        import pandas as pd

        last = max(frame[self.timestamp].max() for frame in self.frames.values())
        frame = self.history(service, pd.DataFrame(entities).assign(**{self.timestamp: last}))
        found = frame.drop(columns=self.timestamp).astype(object)
        return {name: [None if pd.isna(v) else v for v in found[name]] for name in found.columns}

    async def anow(self, service: str, entities: list[dict[str, Any]]) -> dict[str, list[Any]]:
        """Return what :meth:`now` returns."""
        return self.now(service, entities)

    def views(self, service: str) -> dict[str, dict[str, Any]]:
        """Return the service's views with their fields and keys."""
        kinds = {"O": "string", "i": "int64"}
        return {
            view: {
                "fields": list(fields),
                "keys": {key: kinds[self.frames[view][key].dtype.kind] for key in self.keys[view]},
                "uri": None,
            }
            for view, fields in self.services[service].items()
        }

    def _view(self, name: str, fields: Sequence[str]) -> pointintime.View:
        import pyarrow as pa

        table = pa.Table.from_pandas(self.frames[name], preserve_index=False)
        keys = {key: key for key in self.keys[name]}
        return pointintime.View(name, table, keys, self.timestamp, self.ttl, {f: f"{name}__{f}" for f in fields})


_strategies: dict[str, Callable[[str], Any]] = {"past": Historical, "present": Online}


def strategy(tense: Tense, project: str) -> Any:
    """Return the strategy in force, made when it is first asked: neither tense pays for the other."""
    chosen = _strategies[tense]
    return _Lazy(lambda: chosen(project))


@contextlib.contextmanager
def using(past: Callable[[str], Any] | None = None, present: Callable[[str], Any] | None = None) -> Iterator[None]:
    """Use other strategies (functions of the project) for the clients that are made inside; the one point to mock."""
    before = dict(_strategies)
    _strategies.update({tense: made for tense, made in (("past", past), ("present", present)) if made is not None})
    try:
        yield
    finally:
        _strategies.update(before)


class _Lazy:
    def __init__(self, make: Callable[[], Any]) -> None:
        self._make, self._made = make, None

    def __getattr__(self, name: str) -> Any:
        if self._made is None:
            self._made = self._make()
        return getattr(self._made, name)
