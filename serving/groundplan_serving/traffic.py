"""Which alias answers an entity: weights, and always the same alias for the same entity. Pure."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

#: Parts into which the hash of an entity falls; a weight is a share of them.
PARTS = 10_000


def alias_of(entity: Mapping[str, Any], weights: Mapping[str, float], sticky: Sequence[str]) -> str:
    """Return the alias that answers an entity: the same for the same values of the ``sticky`` keys (all when empty).

    A larger weight takes only entities that others lose: aliases are laid side by side in the order of their names, so
    a canary that grows keeps whom it had when it is the first or last of two.
    """
    if len(weights) == 1:
        return next(iter(weights))
    total, point = sum(weights.values()), _point(entity, sticky)
    reached = 0.0
    for alias in sorted(weights):
        reached += weights[alias] / total * PARTS
        if point < reached:
            return alias
    return max(weights)


def split(
    entities: Sequence[Mapping[str, Any]], weights: Mapping[str, float], sticky: Sequence[str]
) -> dict[str, list[int]]:
    """Return by alias the positions of the entities that it answers."""
    if len(weights) == 1:
        return {next(iter(weights)): list(range(len(entities)))}
    groups: dict[str, list[int]] = {}
    for position, entity in enumerate(entities):
        groups.setdefault(alias_of(entity, weights, sticky), []).append(position)
    return groups


def _point(entity: Mapping[str, Any], sticky: Sequence[str]) -> int:
    keys = sticky or sorted(entity)
    text = "\x1f".join(f"{key}={entity.get(key)!r}" for key in keys)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") % PARTS
