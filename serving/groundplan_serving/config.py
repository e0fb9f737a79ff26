"""What the control plane tells the application: ``args`` (a change restarts) and ``user_config`` (a change is live)."""

from pydantic import BaseModel, ConfigDict, Field


class _Stored(BaseModel):
    # Written by a control plane that may be newer than this code: what is unknown is ignored.
    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=())


class EntityKey(_Stored):
    """An entity of the feature service: the key that requests carry, and its type."""

    join_key: str
    type: str


class FeatureServiceArgs(_Stored):
    """The feature service that the model was trained on: fields by view, entities by name."""

    name: str
    views: dict[str, list[str]]
    entities: dict[str, EntityKey]


class Args(_Stored):
    """Everything that a restart is needed for. Replicas and CPUs of the tiers are not: Serve's config has them."""

    project: str
    application: str
    model: str
    feature_service: FeatureServiceArgs
    max_batch: int = Field(default=1000, ge=1)
    timeout_s: float = Field(default=5.0, gt=0)


class Active(_Stored):
    """The ingress's live part: the pair version behind each alias, and the alias that answers."""

    alias: str = "production"
    active: dict[str, int] = {}


class PairUris(_Stored):
    """Where both halves of one pair version lie, by number, never by alias."""

    preprocessor: str
    model: str


class Versions(_Stored):
    """The live part of the tiers that load a half: the versions to hold, and where they lie (by number as text)."""

    versions: list[int] = []
    mlflow: dict[str, PairUris] = {}
