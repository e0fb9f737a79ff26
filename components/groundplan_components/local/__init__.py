"""The platform's parts on the ``local`` target: one component a noun, each around supervised processes."""

from groundplan_components.local.control_plane import ControlPlane
from groundplan_components.local.database import Database
from groundplan_components.local.feature_server import FeatureServer
from groundplan_components.local.gateway import Gateway
from groundplan_components.local.identity import Identity
from groundplan_components.local.object_store import ObjectStore
from groundplan_components.local.online_store import OnlineStore
from groundplan_components.local.ray import Ray
from groundplan_components.local.site import Site
from groundplan_components.local.storage import Storage
from groundplan_components.local.tracking import Tracking

__all__ = [
    "ControlPlane",
    "Database",
    "FeatureServer",
    "Gateway",
    "Identity",
    "ObjectStore",
    "OnlineStore",
    "Ray",
    "Site",
    "Storage",
    "Tracking",
]
