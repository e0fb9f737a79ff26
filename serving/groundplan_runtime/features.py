"""Features for training and for serving, in three lines, under the same names (``<view>__<field>``):

>>> features = Features("flights", "hourly_delay")
>>> frame = features.history(examples)  # a DataFrame of keys and event_timestamp → the same with features as then known
>>> columns = features.now([{"origin": "JFK", "carrier": "AA"}])  # what is known now, by column
"""

from typing import Any

from groundplan_runtime import retrieval

Columns = dict[str, list[Any]]


class Features:
    """The features of one feature service. How they are retrieved: :mod:`groundplan_runtime.retrieval`."""

    def __init__(self, project: str, service: str) -> None:
        self.project, self.service = project, service
        self._past = retrieval.strategy("past", project)
        self._present = retrieval.strategy("present", project)

    def history(self, examples: Any) -> Any:
        """Return the examples (keys, ``event_timestamp``, whatever else) with features as known at that time."""
        return self._past.history(self.service, examples)

    def views(self) -> dict[str, dict[str, Any]]:
        """Return the service's views: ``{view: {"fields": [name], "keys": {join key: type}, "uri": of its rows}}``."""
        return self._past.views(self.service)

    def now(self, entities: list[dict[str, Any]]) -> Columns:
        """Return the columns (keys and features, a value an entity) as known now; ``None`` where nothing is."""
        return self._present.now(self.service, entities)

    async def anow(self, entities: list[dict[str, Any]]) -> Columns:
        """Return what :meth:`now` returns without blocking the event loop."""
        return await self._present.anow(self.service, entities)
