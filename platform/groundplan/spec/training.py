"""Models, their validation and their aliases, as people declare them."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from groundplan.spec._base import Column, Duration, Instant, Model, Name, PythonRef, SqlFile
from groundplan.spec.features import Names
from groundplan.spec.gates import Gate
from groundplan.spec.resources import TrainingResources


class ExamplesSpec(Model):
    """What is to be predicted, and when: one row an example, with the entities' keys, a timestamp and the target."""

    sql: SqlFile
    inputs: Names
    timestamp: Column
    target: Column


class ValidationSpec(Model):
    """Time-ordered validation: the last ``holdout`` is never trained on; ``folds`` rolling folds before it."""

    holdout: Duration
    metric: Literal["mae", "rmse"] = "mae"
    folds: Annotated[int, Field(ge=1, le=20)] = 3


class PreprocessorSpec(Model):
    """The preprocessor half of the pair."""

    impute: Literal["median", "mean", "zero"] = "median"
    scale: bool = False
    categorical: tuple[Column, ...] = ()


class AliasSpec(Model):
    """Where an alias points: it follows the newest version through its gates, or names a version.

    A refusal by a gate fails `up` after everything else is done, or (``hold``) is only told.
    """

    follow: Literal["latest"] | None = None
    version: Annotated[int, Field(ge=1)] | None = None
    gates: tuple[Gate, ...] = ()
    on_refusal: Literal["fail", "hold"] = "fail"


class TrainingSpec(Model):
    """One model: kind, features, examples, validation, hyperparameters, aliases.

    ``as_of`` cuts the data: nothing later is seen, so the same declaration is the same model. ``description`` and
    ``tags`` are for people, who find it by them in the catalogue: editing them trains nothing.
    """

    description: str = ""
    tags: dict[str, str] = {}
    kind: Literal["xgboost", "linear", "python"]
    python: PythonRef | None = None
    feature_service: Name
    examples: ExamplesSpec
    baseline: Column | None = None
    as_of: Instant
    validation: ValidationSpec
    preprocessor: PreprocessorSpec = PreprocessorSpec()
    hyperparameters: dict[str, JsonValue] = {}
    retrain: Literal["on_change", "manual"] = "on_change"
    resources: TrainingResources = TrainingResources()
    aliases: dict[Name, AliasSpec] = {"latest": AliasSpec(follow="latest")}
