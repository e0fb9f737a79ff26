"""Personal data: what is declared to be about people, and all that comes of it until a view says that it ends.

An entity, data source or feature view says ``personal: true``, or names the columns that are. Whatever is made of it
inherits the mark: views, services, models, aliases, applications. A view that makes something else of it (counts,
means) says ``personal: false``.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Discriminator, Field, Tag

from groundplan.errors import suggest
from groundplan.spec._base import Column
from groundplan.spec.finding import Finding, Path
from groundplan.spec.identity import GrantSpec

if TYPE_CHECKING:
    from groundplan.spec.project import ProjectSpec

#: The attribute of a grant; tokens say it among the roles, as ``<project>:personal_data``.
ATTRIBUTE = "personal_data"
#: Roles by which people ask for predictions.
ASKING = ("data_scientist", "ml_engineer", "platform_admin")


def _form(given: object) -> str:
    return "columns" if isinstance(given, list | tuple) else "whole"


#: ``personal: true``, ``false``, or the columns that are; a mistake is told of the form that was meant.
Personal = Annotated[
    Annotated[bool, Tag("whole")] | Annotated[tuple[Column, ...], Field(min_length=1), Tag("columns")],
    Discriminator(_form),
]


def personal_of(spec: "ProjectSpec") -> dict[str, tuple[str, ...]]:
    """Return what a valid project holds of personal data: node id → ids of what is declared so, sorted.

    An id ends in ``.<column>`` where columns are named. Empty where a view says that what it makes is none.
    """
    return _Marks(spec).all()


class _Marks:
    def __init__(self, spec: "ProjectSpec") -> None:
        self._spec = spec

    def all(self) -> dict[str, tuple[str, ...]]:
        spec, found = self._spec, dict[str, set[str]]()
        for name in spec.entities:
            found[self._id("entity", name)] = self._entity(name)
        for name in spec.data_sources:
            found[self._id("data_source", name)] = self._table(name)
        for name, view in spec.feature_views.items():
            found[self._id("feature_view", name)] = self._table(name)
            if view.online:
                found[self._id("materialization", name)] = self._table(name)
        for name in spec.feature_services:
            found[self._id("feature_service", name)] = self._service(name)
        for name in spec.training:
            found |= self._of_model(name)
        for name, serving in spec.serving.items():
            found[self._id("serving_application", name)] = self._model(serving.model)
        ended = {self._id("feature_view", name) for name, view in spec.feature_views.items() if view.personal is False}
        return {id: tuple(sorted(marks)) for id, marks in found.items() if marks or id in ended}

    def _of_model(self, name: str) -> dict[str, set[str]]:
        marks, aliases = self._model(name), self._spec.training[name].aliases
        found = {self._id("model", name): marks}
        found |= {self._id("alias", f"{name}@{alias}"): marks for alias in aliases}
        # A project's gates tell why one of its aliases was refused.
        gated = any(alias.gates for alias in aliases.values())
        gates = self._id("gates", self._spec.name)
        return found | ({gates: marks} if gated and marks else {})

    def _id(self, slug: str, name: str) -> str:
        return f"{self._spec.name}/{slug}/{name}"

    def _entity(self, name: str) -> set[str]:
        return {self._id("entity", name)} if self._spec.entities[name].personal else set()

    def _table(self, name: str) -> set[str]:
        source = self._spec.data_sources.get(name)
        if source is not None:
            return _own(self._id("data_source", name), source.personal)
        view, id = self._spec.feature_views[name], self._id("feature_view", name)
        about = _union(self._entity(entity) for entity in view.entities)
        inherits = view.personal is None or view.personal is True
        inputs = _union(self._table(each) for each in view.inputs) if inherits else set()
        return about | inputs | _own(id, view.personal)

    def _service(self, name: str) -> set[str]:
        """Return the marks of what is taken: of a view that names columns, those that are among its own."""
        found = set()
        for view, fields in self._spec.feature_services[name].views.items():
            own = f"{self._id('feature_view', view)}."
            taken = self._spec.feature_views[view].fields if fields == "all" else fields
            found |= {m for m in self._table(view) if not m.startswith(own) or m.removeprefix(own) in taken}
        return found

    def _model(self, name: str) -> set[str]:
        model = self._spec.training[name]
        return self._service(model.feature_service) | _union(self._table(each) for each in model.examples.inputs)


def _own(id: str, personal: Any) -> set[str]:
    return {f"{id}.{column}" for column in personal} if isinstance(personal, tuple) else {id} if personal else set()


def _union(sets: Iterable[set[str]]) -> set[str]:
    return set().union(*sets)


def columns_findings(path: Path, personal: Any, fields: Collection[str]) -> Iterator[Finding]:
    """Yield a mistake for each column that is named as personal and is none."""
    for index, name in enumerate(personal if isinstance(personal, tuple) else ()):
        if name not in fields:
            allowed = ", ".join(sorted(fields))
            yield Finding((*path, "personal", index), "unknown field", name, allowed, suggest(name, fields))


def view_findings(path: Path, personal: Any, fields: Collection[str], about: Sequence[str]) -> Iterator[Finding]:
    """Yield every mistake in a view's mark; ``about``: its entities that are personal."""
    yield from columns_findings(path, personal, fields)
    if about and personal is not None and personal is not True:
        given = "false" if personal is False else f"[{', '.join(personal)}]"
        what = f"each row is about {' and '.join(about)}, which is personal: so is all of it"
        yield Finding((*path, "personal"), what, given, "true", "leave it out, or make a view of another entity")


def audience_findings(access: Sequence[GrantSpec], spec: "ProjectSpec") -> Iterator[Finding]:
    """Yield a mistake in a stack's grants: a project serves personal data, and whoever asks it may not see that."""
    served = [name for name in spec.serving if personal_of(spec).get(f"{spec.name}/serving_application/{name}")]
    asking, seeing = audience(access, spec.name)
    if served and asking and not seeing:
        what = f"{spec.name} serves personal data ({', '.join(served)}), and none who may ask it may see that"
        fix = f"{ATTRIBUTE}: true in a grant, or personal: false on a feature view that holds none"
        yield Finding(("access",), what, ", ".join(asking), fix=fix)


def audience(access: Sequence[GrantSpec], project: str) -> tuple[list[str], list[str]]:
    """Return the groups that may ask a project for predictions, and those of them that may see personal data."""
    here = [grant for grant in access if grant.projects == "all" or project in grant.projects]
    asking = {grant.group for grant in here if grant.role in ASKING}
    return sorted(asking), sorted(asking & {grant.group for grant in here if grant.personal_data})


def sees(roles: Iterable[str], project: str) -> bool:
    """Tell whether ``roles``, as a token has them, hold the attribute in a project (``*``: in all)."""
    return not {f"{project}:{ATTRIBUTE}", f"*:{ATTRIBUTE}"}.isdisjoint(roles)


def marked(properties: Mapping[str, Any]) -> bool:
    """Tell whether a node of the plan holds personal data, or comes of it."""
    return bool(properties.get("personal"))
