"""Aliases as people name them (``flights/delay@production``), and what is told once one has moved."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from groundplan.cli._checkout import open_checkout
from groundplan.cli._console import print_json, print_line
from groundplan.cli._models import find_model
from groundplan.cli._operations import follow_or_leave
from groundplan.cli._platform import Platform, open_platform
from groundplan.compose import load
from groundplan.errors import GroundplanError
from groundplan.spec import LoadedProject


@dataclass(frozen=True)
class NamedAlias:
    """A declared alias of a model, in a running environment."""

    platform: Platform
    project: LoadedProject
    model: str
    alias: str

    @property
    def id(self) -> str:
        """``<project>/<model>@<alias>``, as people name it."""
        return f"{self.project.spec.name}/{self.model}@{self.alias}"

    @property
    def path(self) -> str:
        """Its route, below which its verbs are."""
        return f"/projects/{self.project.spec.name}/aliases/{self.model}@{self.alias}"

    def points_to(self) -> int | None:
        """Return the pair version that it points to now."""
        found = self.platform.get(f"/registry/models/{self.project.spec.name}/{self.model}")["aliases"]
        return next((each["version"] for each in found if each["alias"] == self.alias), None)

    def applications(self) -> list[str]:
        """Return the ids of the declared applications that serve its model."""
        spec = self.project.spec
        return [f"{spec.name}/{name}" for name, app in sorted(spec.serving.items()) if app.model == self.model]


def find_alias(wanted: str, env: str) -> NamedAlias:
    """Return the declared alias of that name; without ``@alias``, the stack's. One line with those that there are."""
    checkout = open_checkout(env)
    platform, (_, projects) = open_platform(checkout), load(checkout.root, env)
    model, at, alias = wanted.partition("@")
    project, name = find_model(projects, model)
    loaded = _loaded(projects, project)
    alias = alias if at else platform.stack.alias
    known = loaded.spec.training[name].aliases
    if alias not in known:
        there = ", ".join(f"{project}/{name}@{each}" for each in known)
        raise GroundplanError(f"no alias {alias!r} of {project}/{name}; there is: {there or 'none'}")
    return NamedAlias(platform, loaded, name, alias)


def _loaded(projects: Sequence[LoadedProject], name: str) -> LoadedProject:
    return next(project for project in projects if project.spec.name == name)


def ask(named: NamedAlias, verb: str, body: Mapping[str, Any] | None, json: bool) -> None:
    """Ask for something by hand, follow it to its end, and show what answers now. ServiceError when it is refused."""
    before = named.points_to()
    operation = str(named.platform.post(f"{named.path}:{verb}", body)["operation"])
    found = follow_or_leave(named.platform, operation, "look: groundplan status")
    show_moved(named, found["outputs"], before, json, found.get("message"))


def show_moved(
    named: NamedAlias, outputs: Mapping[str, Any], before: int | None, json: bool, message: str | None = None
) -> None:
    """Print where an alias points now, and which pair versions the applications of its model answer with."""
    answers = _answers(named)
    kept = {key: outputs.get(key) for key in ("hold", "evidence")}
    if json:
        moved = {"alias": named.id, "from": before, "to": outputs.get("points_to")}
        print_json({**moved, **kept, "message": message, "applications": answers})
        return
    was = "" if before == outputs.get("points_to") else f" (was {before if before is not None else 'nothing'})"
    print_line(f"{named.id}: pair version {outputs.get('points_to') or 'none'}{was}")
    if message:
        print_line(message)
    for application, serves in answers.items():
        told = ", ".join(f"{alias} {version}" for alias, version in serves.items()) or "nothing yet"
        print_line(f"{application} answers with {told}")


def _answers(named: NamedAlias) -> dict[str, dict[str, int]]:
    """Return the pair version of each alias that each application of the model answers with."""
    found = named.platform.get("/status")["applications"]
    known = {f"{each['project']}/{each['name']}": each.get("aliases") or {} for each in found}
    return {name: dict(known[name]) for name in named.applications() if name in known}
