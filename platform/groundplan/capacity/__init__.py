"""Whether what is declared fits on the machines that are declared: replicas, runs, roll-outs. Pure."""

from groundplan.capacity.demand import PLATFORM, Ask, Size, asks_of, doubled, together
from groundplan.capacity.local import local_shortages
from groundplan.capacity.of_stack import shortages_of, workers_of
from groundplan.capacity.pools import Placement, Pool, place, room_of
from groundplan.capacity.ray import Workers, ray_shares, ray_shortages, worker_asks
from groundplan.capacity.shortages import family_of, shortages, words

__all__ = [
    "PLATFORM",
    "Ask",
    "Placement",
    "Pool",
    "Size",
    "Workers",
    "asks_of",
    "doubled",
    "family_of",
    "local_shortages",
    "place",
    "ray_shares",
    "ray_shortages",
    "room_of",
    "shortages",
    "shortages_of",
    "together",
    "words",
    "worker_asks",
    "workers_of",
]
