"""What the control plane tells an application: ``args`` (a change restarts) and live ``user_config``, a part a tier."""

from pydantic import BaseModel, ConfigDict, Field


class _Stored(BaseModel):
    # Written by a control plane that may be newer than this code: what is unknown is ignored.
    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=())


class Args(_Stored):
    """All that a restart is needed for. ``shape`` is the digest of topology and serving code."""

    project: str
    application: str
    shape: str = ""


class EntityKey(_Stored):
    """An entity of a feature service: the key that requests carry, and its type."""

    join_key: str
    type: str


class ViewFields(_Stored):
    """A feature view as a feature service uses it: types by join key, and by field."""

    join_keys: dict[str, str]
    fields: dict[str, str]


class FeatureFields(_Stored):
    """The feature service that a pair version was trained on."""

    name: str
    views: dict[str, ViewFields]
    entities: dict[str, EntityKey]


class DoorConfig(_Stored):
    """The ingress's live part: versions by alias, weights over aliases (percent), who sees the same variant."""

    model: str = ""
    aliases: dict[str, int] = {}
    traffic: dict[str, float] = {}
    sticky: list[str] = []
    shadow: list[str] = []
    #: Pair version (as text) → the features it is served with.
    features: dict[str, FeatureFields] = {}
    max_batch: int = Field(default=1000, ge=1)
    timeout_s: float = Field(default=5.0, gt=0)
    #: Requests at work or waiting at one replica; the next is refused at once.
    max_requests: int = Field(default=256, ge=1)
    #: Batches on their way through the tiers at a time; requests that come meanwhile make the next one.
    lanes: int = Field(default=4, ge=1)


class ReadConfig(_Stored):
    """The feature tier's live part: features by pair version."""

    features: dict[str, FeatureFields] = {}
    timeout_s: float = Field(default=5.0, gt=0)


class PairUris(_Stored):
    """Where both halves of one pair version lie, by number, never by alias."""

    preprocessor: str
    model: str


class HoldConfig(_Stored):
    """The live part of a tier that holds halves: where each version's lie. Those not named are let go of."""

    versions: dict[str, PairUris] = {}
    #: Seconds for which a version that is let go of still answers requests that are under way.
    drain_s: float = Field(default=5.0, ge=0)


class LiveConfig(_Stored):
    """All parts at once: what an application in one process is told."""

    door: DoorConfig
    features: ReadConfig
    halves: HoldConfig
