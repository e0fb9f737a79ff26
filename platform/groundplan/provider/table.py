"""Every ML resource type and its properties: the one table that check, state and schema are made from."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Prop:
    """One property: its type (a key of :data:`TYPES`), what it says, whether it may be left out or is secret."""

    type: str
    about: str
    optional: bool = False
    secret: bool = False
    #: A change or removal breaks what depends on it: the preview says so. Additions do not.
    breaking: bool = False


#: Type → (the Python types of its values, its Pulumi schema).
TYPES: dict[str, tuple[tuple[type, ...], dict[str, object]]] = {
    "text": ((str,), {"type": "string"}),
    "integer": ((int,), {"type": "integer"}),
    "number": ((int, float), {"type": "number"}),
    "flag": ((bool,), {"type": "boolean"}),
    "texts": ((list,), {"type": "array", "items": {"type": "string"}}),
    "list": ((list,), {"type": "array", "items": {"$ref": "pulumi.json#/Any"}}),
    "map": ((dict,), {"type": "object", "additionalProperties": {"$ref": "pulumi.json#/Any"}}),
    "any": ((object,), {"$ref": "pulumi.json#/Any"}),
}


@dataclass(frozen=True)
class Kind:
    """One resource type. ``retry``: the statuses that a plain ``up`` tries to mend."""

    name: str
    slug: str
    about: str
    inputs: Mapping[str, Prop]
    outputs: Mapping[str, Prop]
    retry: frozenset[str] = frozenset({"failed", "drifted", "pending"})

    @property
    def token(self) -> str:
        """The Pulumi type."""
        return f"groundplan:ml:{self.name}"


COMMON = {
    "project": Prop("text", "The project it belongs to."),
    "name": Prop("text", "Its name in the project."),
    "digest": Prop("text", "Digest of all that it declares and of what feeds it."),
    "data_digest": Prop("text", "Digest of what changes data: what it feeds sees this one."),
    "upstream": Prop("map", "Id of each node that feeds it, and that node's data digest."),
}
PERSONAL = {
    "personal": Prop("texts", "Declarations by which it holds personal data; none: it ends here.", optional=True)
}
STATUS = {
    "status": Prop("text", "ready, pending, failed, waiting, refused or drifted."),
    "message": Prop("text", "Why, in one line.", optional=True),
}
ROWS = {
    "rows": Prop("integer", "How many rows it has.", optional=True),
    "uri": Prop("text", "Where its data lies.", optional=True),
    "min_timestamp": Prop("text", "Earliest row.", optional=True),
    "max_timestamp": Prop("text", "Latest row.", optional=True),
    "columns": Prop("list", "Its columns.", optional=True),
}


def _kind(name: str, slug: str, about: str, inputs: dict[str, Prop], outputs: dict[str, Prop] | None = None) -> Kind:
    marks = {} if name == "Project" else PERSONAL
    return Kind(name, slug, about, {**COMMON, **inputs, **marks}, {**STATUS, **(outputs or {})})


def _gates() -> Kind:
    inputs = {"aliases": Prop("texts", "The gated aliases, `model@alias`."), **PERSONAL}
    about = "Stands for all gates of a project: fails `up` with the reasons when an alias that may not was refused."
    outputs = {**STATUS, "reasons": Prop("any", "What was refused, and why.", optional=True)}
    retry = frozenset({"failed", "drifted", "pending", "refused"})
    return Kind("Gates", "gates", about, {**COMMON, **inputs}, outputs, retry)


KINDS = {
    kind.name: kind
    for kind in (
        _kind(
            "Project",
            "project",
            "A project: who owns it, and its code.",
            {
                "team": Prop("text", "The team."),
                "owner": Prop("text", "Whom to ask."),
                "description": Prop("text", "What it is for.", optional=True),
                "source": Prop("text", "Its folder, relative to the checkout."),
                "code": Prop("map", "Path in the folder → sha256, of every file that it names."),
            },
            {"code_digest": Prop("text", "Digest of all its code.", optional=True), **ROWS},
        ),
        _kind(
            "Entity",
            "entity",
            "What features are about.",
            {
                "join_key": Prop("text", "The column it is found by.", breaking=True),
                "type": Prop("text", "string or int64.", breaking=True),
                "description": Prop("text", "What it is.", optional=True),
            },
        ),
        _kind(
            "DataSource",
            "data_source",
            "A raw table, ingested into the object store.",
            {
                "kind": Prop("text", "package, csv, parquet or python."),
                "package": Prop("text", "The installed package with the file in it.", optional=True),
                "file": Prop("text", "The file in the package.", optional=True),
                "path": Prop("text", "A file in the project folder, or s3://….", optional=True),
                "python": Prop("text", "file.py:function.", optional=True),
                "fields": Prop("map", "Column → type.", breaking=True),
                "code": Prop("text", "Digest of the file or code named.", optional=True),
                "resources": Prop("map", "The most CPUs, memory and time of its run.", optional=True),
            },
            ROWS,
        ),
        _kind(
            "FeatureView",
            "feature_view",
            "Features of entities, made by SQL or Python.",
            {
                "entities": Prop("texts", "The entities.", breaking=True),
                "inputs": Prop("texts", "Data sources and feature views it is made from."),
                "resources": Prop("map", "The most CPUs, memory and time of its run.", optional=True),
                "sql": Prop("text", "The SQL file.", optional=True),
                "python": Prop("text", "file.py:function.", optional=True),
                "code": Prop("text", "Digest of that file.", optional=True),
                "timestamp": Prop("text", "The column that says from when a row is known.", breaking=True),
                "ttl": Prop("text", "How long a row is used."),
                "fields": Prop("map", "Feature → type.", breaking=True),
                "online": Prop("flag", "Whether serving reads it."),
                "description": Prop("text", "What it is.", optional=True),
                "tags": Prop("map", "Free labels.", optional=True),
            },
            ROWS,
        ),
        _kind(
            "FeatureService",
            "feature_service",
            "The features that a model uses.",
            {"views": Prop("map", "View → the fields taken from it.")},
        ),
        _kind(
            "Materialization",
            "materialization",
            "The newest features of a view, in the online store.",
            {
                "view": Prop("text", "The feature view."),
                "as_of": Prop("text", "Nothing later is loaded.", optional=True),
            },
            ROWS,
        ),
        _kind(
            "Model",
            "model",
            "A trained pair: preprocessor and model under one version number.",
            {
                "description": Prop("text", "What it is.", optional=True),
                "tags": Prop("map", "Free labels.", optional=True),
                "kind": Prop("text", "xgboost, linear or python."),
                "python": Prop("text", "file.py:function.", optional=True),
                "code": Prop("text", "Digest of that code.", optional=True),
                "feature_service": Prop("text", "The features it uses."),
                "examples": Prop("map", "What is to be predicted, and when."),
                "baseline": Prop("text", "The feature that is the naive forecast.", optional=True),
                "as_of": Prop("text", "The data cut."),
                "validation": Prop("map", "Time-ordered validation."),
                "preprocessor": Prop("map", "The preprocessor."),
                "hyperparameters": Prop("map", "Passed to the kind.", optional=True),
                "retrain": Prop("text", "on_change or manual."),
                "source": Prop("map", "The environment whose pairs it takes; it trains none.", optional=True),
                "resources": Prop("map", "The most CPUs, memory and time of its run.", optional=True),
            },
            {
                "version": Prop("integer", "The pair's number.", optional=True),
                "metrics": Prop("map", "What validation measured.", optional=True),
                "run_id": Prop("text", "The MLflow run.", optional=True),
                "retrain_due": Prop("flag", "A training is due, by hand (`retrain: manual`).", optional=True),
                **ROWS,
            },
        ),
        _kind(
            "Alias",
            "alias",
            "Where an alias of a model points.",
            {
                "model": Prop("text", "The model."),
                "alias": Prop("text", "The alias."),
                "follow": Prop("text", "latest: it follows the newest version.", optional=True),
                "version": Prop("integer", "The version it names.", optional=True),
                "gates": Prop("list", "What a version must meet.", optional=True),
                "on_refusal": Prop("text", "fail or hold.", optional=True),
                "source": Prop("map", "The environment whose pairs it follows.", optional=True),
            },
            {
                "points_to": Prop("integer", "The version it points to.", optional=True),
                "generation": Prop("integer", "How often it was moved.", optional=True),
                "hold": Prop("any", "Who holds it where it is, and why.", optional=True),
                "evidence": Prop("any", "The pair's metrics, and what its gates said of them.", optional=True),
                "waits": Prop("any", "The version that waits for an approval, and who asked for it.", optional=True),
            },
        ),
        _kind(
            "ServingApplication",
            "serving_application",
            "A model behind HTTP.",
            {
                "model": Prop("text", "The model."),
                "topology": Prop("text", "tiered, fused or single."),
                "traffic": Prop("map", "Alias → percent of the entities that it answers."),
                "sticky": Prop("texts", "The join keys by which an entity always meets the same alias."),
                "shadow": Prop("texts", "Aliases that see every request and answer nobody."),
                "tiers": Prop("map", "Replicas, resources and bounds of each tier."),
                "max_batch": Prop("integer", "Most entities in one request."),
                "timeout": Prop("text", "How long a request may take."),
                "route": Prop("text", "Its route prefix."),
                "example": Prop("list", "Entities to try it with.", optional=True),
            },
            {
                "serves": Prop("integer", "The pair version that most answers are of.", optional=True),
                "aliases": Prop("map", "Alias → the pair version it answers with.", optional=True),
                "endpoint": Prop("text", "Its URL.", optional=True),
            },
        ),
        _gates(),
    )
}
