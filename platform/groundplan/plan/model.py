"""The frozen plan: nodes with content digests, in an order in which they can be made."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

#: Kind → its slug, in ids, routes and resource names.
KINDS = {
    "Project": "project",
    "Entity": "entity",
    "DataSource": "data_source",
    "FeatureView": "feature_view",
    "FeatureService": "feature_service",
    "Materialization": "materialization",
    "Model": "model",
    "Alias": "alias",
    "ServingApplication": "serving_application",
    "Gates": "gates",
}

#: Whose data a node holds (``spec/personal.py``): who may see it, and nothing of what it is.
PERSONAL = "personal"

#: Properties that change nothing downstream: editing one updates its own resource and no other.
DESCRIPTIVE = {
    "Project": frozenset({"team", "owner", "description", "source", "code"}),
    "Entity": frozenset({"description"}),
    "DataSource": frozenset({"resources"}),
    "FeatureView": frozenset({"description", "tags", "online", "resources"}),
    "Model": frozenset({"retrain", "description", "tags", "resources", "source"}),
}


def canonical(value: Any) -> str:
    """Return the one JSON text of a value: sorted keys, no spaces, no NaN (ValueError)."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest_of(value: Any) -> str:
    """Return the first 16 hex digits of the sha256 of a value's canonical JSON."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Node:
    """One thing that shall exist.

    ``digest`` covers all it declares and what feeds it: when it changes, an update is due. ``data_digest`` covers
    only what changes data; it is what the nodes that it feeds see in their ``upstream``. ``properties`` are plain JSON
    values: read them, never change them.
    """

    id: str
    kind: str
    project: str
    name: str
    properties: Mapping[str, Any]
    digest: str
    data_digest: str
    feeds: tuple[str, ...]
    after: tuple[str, ...]
    upstream: Mapping[str, str]

    @property
    def slug(self) -> str:
        """The kind as it is written in ids and routes."""
        return KINDS[self.kind]

    @property
    def needs(self) -> tuple[str, ...]:
        """Every node that comes before this one: what feeds it and what only precedes it."""
        return tuple(dict.fromkeys((*self.feeds, *self.after)))

    def to_dict(self) -> dict[str, Any]:
        """Return the node as plain JSON values."""
        lists = {"feeds": list(self.feeds), "after": list(self.after)}
        return {**self.__dict__, **lists, "properties": dict(self.properties), "upstream": dict(self.upstream)}


@dataclass(frozen=True)
class Plan:
    """Everything one stack shall hold. ``nodes`` are in topological order: each after all that it needs."""

    stack: str
    target: str
    nodes: tuple[Node, ...]

    @cached_property
    def by_id(self) -> Mapping[str, Node]:
        """The nodes by id."""
        return {node.id: node for node in self.nodes}

    @cached_property
    def digest(self) -> str:
        """The digest of the whole plan."""
        return digest_of([self.stack, self.target, sorted((node.id, node.digest) for node in self.nodes)])

    @cached_property
    def personal(self) -> Mapping[str, tuple[str, ...]]:
        """Projects that hold personal data → their applications that answer with what comes of it."""
        found: dict[str, tuple[str, ...]] = {}
        for node in self.nodes:
            if node.properties.get(PERSONAL):
                serves = (node.name,) if node.kind == "ServingApplication" else ()
                found[node.project] = (*found.get(node.project, ()), *serves)
        return {project: tuple(sorted(names)) for project, names in found.items()}

    @cached_property
    def _fed(self) -> Mapping[str, tuple[str, ...]]:
        fed: dict[str, list[str]] = {node.id: [] for node in self.nodes}
        for node in self.nodes:
            # What an alias points to is what its applications answer with, though they are told, not made, by it.
            answers = node.after if node.kind == "ServingApplication" else ()
            for source in (*node.feeds, *(id for id in answers if id.split("/")[1] == KINDS["Alias"])):
                fed[source].append(node.id)
        return {source: tuple(ids) for source, ids in fed.items()}

    def node(self, id: str) -> Node:
        """Return one node. KeyError for an unknown id."""
        return self.by_id[id]

    def downstream(self, id: str) -> tuple[str, ...]:
        """Return the ids of all that data flows into from a node, in plan order. KeyError for an unknown id."""
        reached, ahead = set(self._fed[id]), list(self._fed[id])
        while ahead:
            new = set(self._fed[ahead.pop()]) - reached
            reached |= new
            ahead.extend(new)
        return tuple(node.id for node in self.nodes if node.id in reached)

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain JSON values."""
        nodes = [node.to_dict() for node in self.nodes]
        return {"stack": self.stack, "target": self.target, "digest": self.digest, "nodes": nodes}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "Plan":
        """Return the plan that :meth:`to_dict` wrote."""
        nodes = (Node(**{**n, "feeds": tuple(n["feeds"]), "after": tuple(n["after"])}) for n in document["nodes"])
        return cls(document["stack"], document["target"], tuple(nodes))
