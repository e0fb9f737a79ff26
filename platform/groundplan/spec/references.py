"""What one part of a declaration says about another: references, cycles, duplicates.

Nothing here knows of files: a :class:`Finding` names the place inside the spec, the caller finds its file and line.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from groundplan.errors import suggest
from groundplan.spec._cycles import cycles
from groundplan.spec.cluster_findings import cluster_findings
from groundplan.spec.features import DataSourceSpec, FeatureServiceSpec, FeatureViewSpec
from groundplan.spec.finding import Finding, Path
from groundplan.spec.hyperparameters import HYPERPARAMETERS
from groundplan.spec.identity import identity_findings
from groundplan.spec.personal import columns_findings, view_findings
from groundplan.spec.project import ProjectSpec, ServingSpec
from groundplan.spec.promotion import promotion_findings
from groundplan.spec.stack import StackSpec
from groundplan.spec.target import target_findings
from groundplan.spec.tenancy import tenancy_findings
from groundplan.spec.traffic import traffic_findings
from groundplan.spec.training import TrainingSpec

#: (collection, name) of objects that hold stand-ins for invalid values: nobody else is measured by those.
Broken = Collection[tuple[str, str]]


class _Names:
    """The names that a project declares."""

    def __init__(self, spec: ProjectSpec, broken: Broken) -> None:
        self.spec = spec
        self._broken = broken

    def of(self, collection: str) -> set[str]:
        return set(getattr(self.spec, collection))

    def whole(self, collection: str, name: str) -> bool:
        """Whether an object is declared and valid: only then is what it holds compared with what others expect."""
        return name in getattr(self.spec, collection) and (collection, name) not in self._broken

    def inputs(self) -> set[str]:
        return self.of("data_sources") | self.of("feature_views")


def in_project(spec: ProjectSpec, alias: str | None = None, broken: Broken = ()) -> Iterator[Finding]:
    """Yield every mistake in how the parts of one project refer to each other.

    ``alias`` is the stack's, for serving that names none; ``broken`` names objects that are invalid by themselves.
    """
    names = _Names(spec, broken)
    yield from _each(spec.data_sources, "data_sources", _data_source)
    yield from _each(spec.feature_views, "feature_views", lambda p, view: _feature_view(p, view, names))
    yield from _shared_names(spec)
    yield from _view_cycles(spec)
    yield from _each(spec.feature_services, "feature_services", lambda p, service: _service(p, service, names))
    yield from _each(spec.training, "training", lambda p, model: _model(p, model, names))
    yield from _each(spec.serving, "serving", lambda p, app: _serving(p, app, names, alias))


def across_projects(specs: Sequence[ProjectSpec]) -> Iterator[tuple[str, Finding]]:
    """Yield (project, finding) for names of two projects that would be one name in a service behind them."""
    seen: dict[str, tuple[str, str]] = {}
    for spec in specs:
        for model in spec.training:
            registered = f"{spec.name}_{model}"
            if registered in seen:
                other = ".".join(seen[registered])
                yield (
                    spec.name,
                    Finding(
                        ("training", model),
                        f"is registered as {registered}, as is {other}",
                        model,
                        fix="rename one of them",
                    ),
                )
            seen.setdefault(registered, (spec.name, model))


def in_stack(stack: StackSpec) -> Iterator[Finding]:
    """Yield every mistake in a stack that its types cannot express."""
    yield from target_findings(stack)
    yield from cluster_findings(stack)
    if stack.cost.alarm_emails and stack.cost.ceiling_usd_per_month is None:
        fix = "add ceiling_usd_per_month: 3000"
        yield Finding(("cost", "alarm_emails"), "are told of a ceiling, and none is declared", fix=fix)
    if stack.source and stack.source.registry == "shared" and stack.target != "local":
        fix = "leave registry out: pairs then come by their digest (docs/environments.md)"
        what = "is read by local stacks of one machine only"
        yield Finding(("source", "registry"), what, f"shared, in a stack of target {stack.target}", "own", fix)
    if stack.source and stack.source.stack == stack.name:
        yield Finding(
            ("source", "stack"), "is this stack itself", stack.name, fix="name the stack before it, as in dev"
        )
    ports: dict[int, str] = {}
    for name, port in stack.local.all_ports().items():
        if port in ports:
            fix = f"choose another port for {name} or {ports[port]}"
            yield Finding(("local", "ports"), f"{ports[port]} and {name} are on one port", str(port), fix=fix)
        ports.setdefault(port, name)
    for index, project in enumerate(stack.projects):
        if project == "stack":
            yield Finding(
                ("projects", index), "is the name of the stack's own part of a plan", project, fix="rename it"
            )
        if project in stack.projects[:index]:
            yield Finding(("projects", index), "is listed twice", project, fix="remove one")
    yield from identity_findings(stack.identity, stack.access, stack.projects, local=stack.services.identity == "local")
    if stack.security.certificates and not (stack.cluster.ingress and stack.cluster.ingress.issuer):
        what = "makes the issuer that cluster.ingress.issuer names, and none is named"
        yield Finding(("security", "certificates"), what, fix="name one, or remove certificates")
    yield from tenancy_findings(stack.teams, stack.security, stack.gitops, stack.projects, stack.target)


def _each(
    items: Mapping[str, Any], collection: str, check: Callable[[Path, Any], Iterator[Finding]]
) -> Iterator[Finding]:
    for name, item in items.items():
        yield from check((collection, name), item)


def _data_source(path: Path, source: DataSourceSpec) -> Iterator[Finding]:
    needed = {"package": ("package", "file"), "csv": ("path",), "parquet": ("path",), "python": ("python",)}[
        source.kind
    ]
    for key in ("package", "file", "path", "python"):
        given = getattr(source, key)
        if key in needed and given is None:
            yield Finding(path, f"a data source of kind {source.kind} needs {key}", fix=f"add {key}:")
        if key not in needed and given is not None:
            what = f"does not belong to a data source of kind {source.kind}"
            yield Finding((*path, key), what, given, " and ".join(needed))
    yield from columns_findings(path, source.personal, source.fields)


def _feature_view(path: Path, view: FeatureViewSpec, names: _Names) -> Iterator[Finding]:
    yield from _dangling((*path, "entities"), view.entities, names.of("entities"), "entity")
    yield from _dangling((*path, "inputs"), view.inputs, names.inputs(), "data source or feature view")
    if (view.sql is None) == (view.python is None):
        given = "both" if view.sql else "neither"
        yield Finding(path, "needs either sql or python", given, fix="name one: sql: features/x.sql")
    declared = names.spec.entities
    reserved = {view.timestamp} | {declared[e].join_key for e in view.entities if e in declared}
    for field in sorted(reserved & set(view.fields)):
        what = "is the timestamp or a join key, not a feature"
        yield Finding((*path, "fields", field), what, field, fix="remove it from fields")
    about = [name for name in view.entities if name in declared and declared[name].personal]
    yield from view_findings(path, view.personal, view.fields, about)


def _shared_names(spec: ProjectSpec) -> Iterator[Finding]:
    for name in sorted(set(spec.data_sources) & set(spec.feature_views)):
        what = "is a data source and a feature view; both are tables of that name in SQL"
        yield Finding(("feature_views", name), what, name, fix="rename one of them")
    keys: dict[str, str] = {}
    for name, entity in spec.entities.items():
        if entity.join_key in keys:
            what = f"is the join key of entity {keys[entity.join_key]} too"
            yield Finding(("entities", name, "join_key"), what, entity.join_key, fix="give each entity its own key")
        keys.setdefault(entity.join_key, name)


def _view_cycles(spec: ProjectSpec) -> Iterator[Finding]:
    edges = {name: [i for i in view.inputs if i in spec.feature_views] for name, view in spec.feature_views.items()}
    for cycle in cycles(edges):
        path = " → ".join((*cycle, cycle[0]))
        yield Finding(
            ("feature_views", cycle[0], "inputs"), "feature views feed themselves", path, fix="break the circle"
        )


def _service(path: Path, service: FeatureServiceSpec, names: _Names) -> Iterator[Finding]:
    views = names.spec.feature_views
    for name, fields in service.views.items():
        here = (*path, "views", name)
        yield from _dangling((*path, "views"), [name], names.of("feature_views"), "feature view", key=name)
        if fields != "all" and names.whole("feature_views", name):
            yield from _dangling(here, fields, set(views[name].fields), f"field of {name}")
        if name in views and not views[name].online:
            yield Finding(here, "is not online, so nothing can be served from it", name, fix="set online: true")


def _model(path: Path, model: TrainingSpec, names: _Names) -> Iterator[Finding]:
    if (model.kind == "python") != (model.python is not None):
        what = (
            "kind python needs python: training/x.py:train" if model.kind == "python" else "belongs to kind python only"
        )
        yield Finding(path if model.python is None else (*path, "python"), what, model.python)
    if model.kind in HYPERPARAMETERS:
        for name in sorted(set(model.hyperparameters) - HYPERPARAMETERS[model.kind]):
            allowed = ", ".join(sorted(HYPERPARAMETERS[model.kind]))
            fix = suggest(name, HYPERPARAMETERS[model.kind])
            yield Finding(
                (*path, "hyperparameters", name), f"unknown hyperparameter of {model.kind}", name, allowed, fix
            )
    yield from _dangling(
        (*path, "examples", "inputs"), model.examples.inputs, names.inputs(), "data source or feature view"
    )
    yield from _dangling(
        path, [model.feature_service], names.of("feature_services"), "feature service", "feature_service"
    )
    service = names.spec.feature_services.get(model.feature_service)
    known = service is not None and names.whole("feature_services", model.feature_service)
    if service is not None and known and all(names.whole("feature_views", view) for view in service.views):
        yield from _model_columns(path, model, service, names.spec)
    apps = [app for app in names.spec.serving.values() if app.model == path[-1]]
    examples = [example for app in apps for example in app.example]
    yield from promotion_findings(path, model, _join_keys(model, names), examples)


def _model_columns(
    path: Path, model: TrainingSpec, service: FeatureServiceSpec, spec: ProjectSpec
) -> Iterator[Finding]:
    features, entities = features_of(service, spec), entities_of(service, spec)
    if model.baseline is not None:
        yield from _dangling(path, [model.baseline], set(features), f"feature of {model.feature_service}", "baseline")
    keys = {spec.entities[name].join_key for name in entities if name in spec.entities}
    if len(keys) == len(entities):
        here = (*path, "preprocessor", "categorical")
        yield from _dangling(here, model.preprocessor.categorical, keys | set(features), "join key or feature")


def _serving(path: Path, app: ServingSpec, names: _Names, alias: str | None) -> Iterator[Finding]:
    yield from _dangling(path, [app.model], names.of("training"), "model", "model")
    yield from traffic_findings(path, app)
    model = names.spec.training.get(app.model)
    if model is not None:
        yield from _examples_of_use(path, app, model, names)
    if model is None or not names.whole("training", app.model):
        return
    for where, wanted, note in _aliases_of(path, app, alias):
        if wanted not in model.aliases:
            fix = suggest(wanted, model.aliases) or f"declare it under training.{app.model}.aliases"
            allowed = ", ".join(sorted(model.aliases))
            yield Finding(where, f"unknown alias of model {app.model}{note}", wanted, allowed, fix)


def _aliases_of(path: Path, app: ServingSpec, alias: str | None) -> Iterator[tuple[Path, str, str]]:
    if app.alias:
        yield (*path, "alias"), app.alias, ""
    elif alias is not None and not app.traffic:
        yield path, alias, " (the stack's alias)"
    yield from (((*path, "traffic", name), name, "") for name in app.traffic)
    yield from (((*path, "shadow", index), name, "") for index, name in enumerate(app.shadow))


def _examples_of_use(path: Path, app: ServingSpec, model: TrainingSpec, names: _Names) -> Iterator[Finding]:
    keys = _join_keys(model, names)
    if keys is None:
        return
    yield from _dangling((*path, "sticky"), app.sticky, keys, "join key")
    for index, example in enumerate(app.example):
        if set(example) != keys:
            given = ", ".join(example) or "nothing"
            yield Finding((*path, "example", index), "must name each join key once", given, ", ".join(sorted(keys)))


def _join_keys(model: TrainingSpec, names: _Names) -> set[str] | None:
    """Return the join keys of a model's features, None while something about them is wrong."""
    service = names.spec.feature_services.get(model.feature_service)
    if service is None or not names.whole("feature_services", model.feature_service):
        return None
    if not all(names.whole("feature_views", view) for view in service.views):
        return None
    entities = entities_of(service, names.spec)
    if not all(names.whole("entities", name) for name in entities):
        return None
    return {names.spec.entities[name].join_key for name in entities}


def _dangling(
    path: Path, given: Sequence[str], known: Collection[str], noun: str, key: str | None = None
) -> Iterator[Finding]:
    for index, name in enumerate(given):
        if name not in known:
            allowed = ", ".join(sorted(known)) or f"no {noun} is declared"
            here = (*path, index if key is None else key)
            yield Finding(here, f"unknown {noun}", name, allowed, suggest(name, known))


def features_of(service: FeatureServiceSpec, spec: ProjectSpec) -> list[str]:
    """Return the names of a feature service's features as frames have them: ``<view>__<field>``."""
    views = {name: spec.feature_views[name].fields if f == "all" else f for name, f in service.views.items()}
    return [f"{view}__{field}" for view, fields in views.items() for field in fields]


def entities_of(service: FeatureServiceSpec, spec: ProjectSpec) -> list[str]:
    """Return the entities that a request to a feature service names, each once, in order of first use."""
    return list(dict.fromkeys(e for view in service.views for e in spec.feature_views[view].entities))
