"""The ML resources, typed. Names follow the YAML; a test holds them against the plugin's table."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NotRequired, TypedDict, Unpack

import pulumi

from groundplan.provider.table import KINDS

Text = pulumi.Input[str]
Texts = pulumi.Input[Sequence[pulumi.Input[str]]]
Items = pulumi.Input[Sequence[Any]]
Map = pulumi.Input[Mapping[str, Any]]
Options = pulumi.ResourceOptions | None


class MLResource(pulumi.CustomResource):
    """Any ML resource. Inputs are as in docs/contracts.md; ``status`` and ``message`` say how it is."""

    kind: ClassVar[str]
    status: pulumi.Output[str]
    message: pulumi.Output[str | None]

    def __init__(self, resource_name: str, inputs: Mapping[str, Any], opts: Options = None) -> None:
        kind = KINDS[self.kind]
        super().__init__(kind.token, resource_name, {**dict.fromkeys(kind.outputs), **inputs}, opts)


class Common(TypedDict):
    """What every ML resource is given."""

    project: Text
    name: Text
    digest: Text
    data_digest: Text
    upstream: Map


class Marked(Common):
    """What may hold personal data: by which declarations."""

    personal: NotRequired[Texts]


class ProjectArgs(Common):
    """Inputs of :class:`Project`."""

    team: Text
    owner: Text
    description: NotRequired[Text]
    source: Text
    code: Map


class Project(MLResource):
    """A project: who owns it, and its code."""

    kind = "Project"
    code_digest: pulumi.Output[str | None]
    rows: pulumi.Output[int | None]
    uri: pulumi.Output[str | None]
    min_timestamp: pulumi.Output[str | None]
    max_timestamp: pulumi.Output[str | None]
    columns: pulumi.Output[list[Any] | None]

    def __init__(self, resource_name: str, *, opts: Options = None, **inputs: Unpack[ProjectArgs]) -> None:
        super().__init__(resource_name, inputs, opts)


class EntityArgs(Marked):
    """Inputs of :class:`Entity`."""

    join_key: Text
    type: Text
    description: NotRequired[Text]


class Entity(MLResource):
    """What features are about."""

    kind = "Entity"

    def __init__(self, resource_name: str, *, opts: Options = None, **inputs: Unpack[EntityArgs]) -> None:
        super().__init__(resource_name, inputs, opts)


class DataSourceArgs(Marked):
    """Inputs of :class:`DataSource`."""

    kind: Text
    package: NotRequired[Text]
    file: NotRequired[Text]
    path: NotRequired[Text]
    python: NotRequired[Text]
    fields: Map
    resources: NotRequired[Map]
    code: NotRequired[Text]


class DataSource(MLResource):
    """A raw table, ingested into the object store."""

    kind = "DataSource"
    rows: pulumi.Output[int | None]
    uri: pulumi.Output[str | None]
    min_timestamp: pulumi.Output[str | None]
    max_timestamp: pulumi.Output[str | None]
    columns: pulumi.Output[list[Any] | None]

    def __init__(self, resource_name: str, *, opts: Options = None, **inputs: Unpack[DataSourceArgs]) -> None:
        super().__init__(resource_name, inputs, opts)


class FeatureViewArgs(Marked):
    """Inputs of :class:`FeatureView`."""

    entities: Texts
    inputs: Texts
    resources: NotRequired[Map]
    sql: NotRequired[Text]
    python: NotRequired[Text]
    code: NotRequired[Text]
    timestamp: Text
    ttl: Text
    fields: Map
    online: pulumi.Input[bool]
    description: NotRequired[Text]
    tags: NotRequired[Map]


class FeatureView(MLResource):
    """Features of entities, made by SQL or Python."""

    kind = "FeatureView"
    rows: pulumi.Output[int | None]
    uri: pulumi.Output[str | None]
    min_timestamp: pulumi.Output[str | None]
    max_timestamp: pulumi.Output[str | None]
    columns: pulumi.Output[list[Any] | None]

    def __init__(self, resource_name: str, *, opts: Options = None, **inputs: Unpack[FeatureViewArgs]) -> None:
        super().__init__(resource_name, inputs, opts)


class FeatureServiceArgs(Marked):
    """Inputs of :class:`FeatureService`."""

    views: Map


class FeatureService(MLResource):
    """The features that a model uses."""

    kind = "FeatureService"

    def __init__(self, resource_name: str, *, opts: Options = None, **inputs: Unpack[FeatureServiceArgs]) -> None:
        super().__init__(resource_name, inputs, opts)


class MaterializationArgs(Marked):
    """Inputs of :class:`Materialization`."""

    view: Text
    as_of: NotRequired[Text]


class Materialization(MLResource):
    """The newest features of a view, in the online store."""

    kind = "Materialization"
    rows: pulumi.Output[int | None]
    uri: pulumi.Output[str | None]
    min_timestamp: pulumi.Output[str | None]
    max_timestamp: pulumi.Output[str | None]
    columns: pulumi.Output[list[Any] | None]

    def __init__(self, resource_name: str, *, opts: Options = None, **inputs: Unpack[MaterializationArgs]) -> None:
        super().__init__(resource_name, inputs, opts)


class ModelArgs(Marked):
    """Inputs of :class:`Model`."""

    description: NotRequired[Text]
    tags: NotRequired[Map]
    kind: Text
    python: NotRequired[Text]
    code: NotRequired[Text]
    feature_service: Text
    examples: Map
    baseline: NotRequired[Text]
    as_of: Text
    validation: Map
    preprocessor: Map
    hyperparameters: NotRequired[Map]
    retrain: Text
    resources: NotRequired[Map]
    source: NotRequired[Map]


class Model(MLResource):
    """A trained pair: preprocessor and model under one version number."""

    kind = "Model"
    version: pulumi.Output[int | None]
    metrics: pulumi.Output[dict[str, Any] | None]
    run_id: pulumi.Output[str | None]
    retrain_due: pulumi.Output[bool | None]
    rows: pulumi.Output[int | None]
    uri: pulumi.Output[str | None]
    min_timestamp: pulumi.Output[str | None]
    max_timestamp: pulumi.Output[str | None]
    columns: pulumi.Output[list[Any] | None]

    def __init__(self, resource_name: str, *, opts: Options = None, **inputs: Unpack[ModelArgs]) -> None:
        super().__init__(resource_name, inputs, opts)


class AliasArgs(Marked):
    """Inputs of :class:`Alias`."""

    model: Text
    alias: Text
    follow: NotRequired[Text]
    version: NotRequired[pulumi.Input[int]]
    gates: NotRequired[Items]
    on_refusal: NotRequired[Text]
    source: NotRequired[Map]


class Alias(MLResource):
    """Where an alias of a model points."""

    kind = "Alias"
    points_to: pulumi.Output[int | None]
    generation: pulumi.Output[int | None]
    hold: pulumi.Output[Any]
    evidence: pulumi.Output[Any]

    def __init__(self, resource_name: str, *, opts: Options = None, **inputs: Unpack[AliasArgs]) -> None:
        super().__init__(resource_name, inputs, opts)


class ServingApplicationArgs(Marked):
    """Inputs of :class:`ServingApplication`."""

    model: Text
    topology: Text
    traffic: Map
    sticky: Texts
    shadow: Texts
    tiers: Map
    max_batch: pulumi.Input[int]
    timeout: Text
    route: Text
    example: NotRequired[Items]


class ServingApplication(MLResource):
    """A model behind HTTP."""

    kind = "ServingApplication"
    serves: pulumi.Output[int | None]
    aliases: pulumi.Output[Any]
    endpoint: pulumi.Output[str | None]

    def __init__(self, resource_name: str, *, opts: Options = None, **inputs: Unpack[ServingApplicationArgs]) -> None:
        super().__init__(resource_name, inputs, opts)


class GatesArgs(Marked):
    """Inputs of :class:`Gates`."""

    aliases: Texts


class Gates(MLResource):
    """Stands for all gates of a project: fails `up` with the reasons when an alias that may not was refused."""

    kind = "Gates"
    reasons: pulumi.Output[Any]

    def __init__(self, resource_name: str, *, opts: Options = None, **inputs: Unpack[GatesArgs]) -> None:
        super().__init__(resource_name, inputs, opts)


#: Kind in the plan → its class.
KIND_CLASSES: Mapping[str, Callable[..., MLResource]] = {
    resource.kind: resource
    for resource in (
        Project,
        Entity,
        DataSource,
        FeatureView,
        FeatureService,
        Materialization,
        Model,
        Alias,
        ServingApplication,
        Gates,
    )
}
