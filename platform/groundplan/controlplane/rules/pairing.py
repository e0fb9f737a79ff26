"""How two halves that MLflow numbers by themselves come to one number."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Lag:
    """The half that is behind.

    ``version`` is what it has and gives up (void), ``target`` the number to reach. ``voids`` is the most versions that
    have to be made and given up on the way: fewer when MLflow skips the numbers of deleted versions.
    """

    half: str
    version: int
    target: int
    voids: int


def lagging(made: Mapping[str, int], taken: Collection[int] = ()) -> Lag | None:
    """Return the half of ``made`` ({half: version}) that is behind, or None when the pair is whole.

    A number that is ``taken`` (another pair had it) will not do: then both halves are behind, one after the other.
    """
    low, high = sorted(made, key=lambda half: made[half])
    target = max(taken) + 1 if made[high] in taken else made[high]
    if made[low] == target:
        return None
    return Lag(low, made[low], target, target - made[low] - 1)
