"""From valid specs to the plan: a pure function, without clock, network, environment or disk."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from graphlib import TopologicalSorter
from typing import Any

from pydantic import BaseModel

from groundplan.plan.model import DESCRIPTIVE, KINDS, PERSONAL, Node, Plan, digest_of
from groundplan.spec import (
    DataSourceSpec,
    FeatureServiceSpec,
    FeatureViewSpec,
    LoadedProject,
    ProjectSpec,
    ServingSpec,
    SourceSpec,
    StackSpec,
    TrainingSpec,
    instant_text,
    personal_of,
)


@dataclass(frozen=True)
class _Draft:
    """A node before its digests are known."""

    kind: str
    project: str
    name: str
    properties: Mapping[str, Any]
    feeds: tuple[str, ...] = ()
    after: tuple[str, ...] = field(default=())

    @property
    def id(self) -> str:
        return node_id(self.project, self.kind, self.name)


def node_id(project: str, kind: str, name: str) -> str:
    """Return the id of a node: ``<project>/<kind_slug>/<name>``."""
    return f"{project}/{KINDS[kind]}/{name}"


def build_plan(stack: StackSpec, projects: Sequence[LoadedProject]) -> Plan:
    """Return the plan of a stack and its projects, which are valid (as loaded)."""
    ordered = sorted(projects, key=lambda p: p.spec.name)
    nodes = [node for each in ordered for node in _nodes(_drafts(stack, each), personal_of(each.spec))]
    return Plan(stack.name, stack.target, tuple(nodes))


def _nodes(drafts: Iterable[_Draft], personal: Mapping[str, tuple[str, ...]]) -> Iterator[Node]:
    by_id = {draft.id: _marked(draft, personal.get(draft.id)) for draft in drafts}
    order = TopologicalSorter({id: (*draft.feeds, *draft.after) for id, draft in by_id.items()}).static_order()
    data: dict[str, str] = {}
    for id in order:
        draft = by_id[id]
        upstream = {source: data[source] for source in sorted(draft.feeds)}
        skipped = DESCRIPTIVE.get(draft.kind, frozenset()) | {PERSONAL}
        data[id] = digest_of([draft.kind, {k: v for k, v in draft.properties.items() if k not in skipped}, upstream])
        digest = digest_of([draft.kind, draft.properties, upstream])
        yield Node(
            id,
            draft.kind,
            draft.project,
            draft.name,
            draft.properties,
            digest,
            data[id],
            draft.feeds,
            draft.after,
            upstream,
        )


def _marked(draft: _Draft, marks: tuple[str, ...] | None) -> _Draft:
    """Return a draft with where its personal data comes from, in place of what its own declaration says of that."""
    given = {key: value for key, value in draft.properties.items() if key != PERSONAL}
    return replace(draft, properties=given if marks is None else {**given, PERSONAL: list(marks)})


def _drafts(stack: StackSpec, project: LoadedProject) -> Iterator[_Draft]:
    spec = project.spec
    drafts = [*_declarations(project), *_made(stack, project)]
    yield _project(project)
    yield from drafts
    gated = {f"{model}@{alias}" for model, t in spec.training.items() for alias, a in t.aliases.items() if a.gates}
    feeds = tuple(_ids(spec, "Alias", sorted(gated)))
    rest = tuple(draft.id for draft in drafts if draft.id not in feeds)
    yield _Draft("Gates", spec.name, spec.name, {"aliases": sorted(gated)}, feeds, rest)


def _project(project: LoadedProject) -> _Draft:
    spec = project.spec
    properties = {
        "team": spec.team,
        "owner": spec.owner,
        "description": spec.description,
        "source": project.source,
        "code": dict(sorted(project.code.items())),
    }
    return _Draft("Project", spec.name, spec.name, properties)


def _declarations(project: LoadedProject) -> Iterator[_Draft]:
    spec = project.spec
    first = tuple(_ids(spec, "Project", [spec.name]))
    for name, entity in spec.entities.items():
        yield _Draft("Entity", spec.name, name, entity.model_dump(), after=first)
    for name, source in spec.data_sources.items():
        yield _Draft("DataSource", spec.name, name, _source(project, source), after=first)
    for name, view in spec.feature_views.items():
        feeds = (*_ids(spec, "Entity", view.entities), *_inputs(spec, view.inputs))
        yield _Draft("FeatureView", spec.name, name, _view(project, view), feeds, first)
    for name, service in spec.feature_services.items():
        feeds = tuple(_ids(spec, "FeatureView", service.views))
        yield _Draft("FeatureService", spec.name, name, {"views": expand(service, spec)}, feeds)


def _made(stack: StackSpec, project: LoadedProject) -> Iterator[_Draft]:
    spec = project.spec
    as_of = max((instant_text(model.as_of) for model in spec.training.values()), default=None)
    for name, view in spec.feature_views.items():
        if view.online:
            feeds = tuple(_ids(spec, "FeatureView", [name]))
            yield _Draft("Materialization", spec.name, name, {"view": name, "as_of": as_of}, feeds)
    for name, model in spec.training.items():
        feeds = (*_ids(spec, "FeatureService", [model.feature_service]), *_inputs(spec, model.examples.inputs))
        source = {"source": _from(stack.source)} if stack.source else {}
        yield _Draft("Model", spec.name, name, _model(project, model) | source, feeds)
        yield from _aliases(spec, name, model, stack.source)
    for name, serving in spec.serving.items():
        yield _serving(stack, spec, name, serving)


def _given(spec: BaseModel) -> dict[str, Any]:
    # Only top-level nulls are left out: a null inside hyperparameters is a value.
    return {key: value for key, value in spec.model_dump(mode="json").items() if value is not None}


def _source(project: LoadedProject, source: DataSourceSpec) -> dict[str, Any]:
    properties = _given(source)
    reference = source.python or (source.path if source.path and not source.path.startswith("s3://") else None)
    return properties | ({"code": project.code_digest(reference)} if reference else {})


def _view(project: LoadedProject, view: FeatureViewSpec) -> dict[str, Any]:
    properties = _given(view)
    return properties | {"code": project.code_digest(view.sql or view.python or "")}


def expand(service: FeatureServiceSpec, spec: ProjectSpec) -> dict[str, list[str]]:
    """Return a feature service's views with every field named, ``all`` expanded in the order of the view."""
    return {n: list(spec.feature_views[n].fields if f == "all" else f) for n, f in service.views.items()}


def _model(project: LoadedProject, model: TrainingSpec) -> dict[str, Any]:
    properties = _given(model)
    del properties["aliases"]
    if not properties["resources"]["gpus"]:
        del properties["resources"]["gpus"]  # as plans were before there were any: no update for want of GPUs
    properties["as_of"] = instant_text(model.as_of)
    properties["examples"]["code"] = project.code_digest(model.examples.sql)
    return properties | ({"code": project.code_digest(model.python)} if model.python else {})


def _from(source: SourceSpec) -> dict[str, str]:
    """Return where a model's pairs come from: how they come is the command's affair."""
    return {"stack": source.stack} | ({"alias": source.alias} if source.alias else {})


def _aliases(spec: ProjectSpec, model: str, training: TrainingSpec, source: SourceSpec | None) -> Iterator[_Draft]:
    made = tuple(_ids(spec, "Model", [model]))
    views = spec.feature_services[training.feature_service].views
    online = tuple(_ids(spec, "Materialization", (view for view in views if spec.feature_views[view].online)))
    for name, alias in training.aliases.items():
        gates = [_gate(spec, model, gate) for gate in alias.gates]
        properties = {"model": model, "alias": name, **_given(alias), "gates": gates}
        properties |= {"source": _from(source)} if source else {}
        asks = online if any("contract" in gate for gate in gates) else ()  # a contract is tried on online features
        feeds, after = (made, asks) if alias.follow is not None else ((), made)
        yield _Draft("Alias", spec.name, f"{model}@{name}", properties, feeds, after)


def _gate(spec: ProjectSpec, model: str, gate: BaseModel) -> dict[str, Any]:
    """Return a gate as declared, without its defaults. A contract without requests asks for serving's examples."""
    given = gate.model_dump(mode="json", exclude_defaults=True)
    if "contract" in given and not given["contract"].get("requests"):
        apps = [app for _, app in sorted(spec.serving.items()) if app.model == model and app.example]
        given["contract"]["requests"] = [[dict(entity) for entity in app.example] for app in apps]
    return given


def _serving(stack: StackSpec, spec: ProjectSpec, name: str, serving: ServingSpec) -> _Draft:
    """Each pair version is served with the features it was trained on: a change of those is a promotion."""
    model = spec.training[serving.model]
    traffic = serving.traffic or {serving.alias or stack.alias: 100.0}
    given = serving.model_dump(mode="json", exclude={"example", "alias", "traffic"}, exclude_none=True)
    properties = {**given, "traffic": dict(sorted(traffic.items())), "route": f"/{spec.name}/{name}"}
    aliases = [f"{serving.model}@{alias}" for alias in (*traffic, *serving.shadow)]
    views = spec.feature_services[model.feature_service].views
    after = (
        *_ids(spec, "Alias", aliases),
        *_ids(spec, "Materialization", views),
        *_ids(spec, "Model", [serving.model]),
    )
    return _Draft("ServingApplication", spec.name, name, properties, (), after)


def _ids(spec: ProjectSpec, kind: str, names: Iterable[str]) -> Iterator[str]:
    return (node_id(spec.name, kind, name) for name in names)


def _inputs(spec: ProjectSpec, names: Iterable[str]) -> Iterator[str]:
    for name in names:
        yield node_id(spec.name, "DataSource" if name in spec.data_sources else "FeatureView", name)
