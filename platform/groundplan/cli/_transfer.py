"""Taking a pair from one environment's registry to another's: exported, checked by digest, imported, never trained."""

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from groundplan.cli._checkout import open_checkout
from groundplan.cli._console import say
from groundplan.cli._models import find_model
from groundplan.cli._operations import follow_or_leave
from groundplan.cli._platform import Platform, open_platform
from groundplan.compose import load
from groundplan.errors import GroundplanError, ServiceError
from groundplan.spec import LoadedProject, StackSpec

#: Seconds for the aliases of the target to move, and for its applications to answer, and between two looks.
PATIENCE, LOOK = 300.0, 0.5
HALVES = ("preprocessor", "model")
ON_ITS_WAY = ("pending", "waiting")
#: Resources by name.
Found = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Route:
    """A model's way from one environment to the next, and the alias whose pair goes it."""

    source: Platform
    target: Platform
    project: str
    model: str
    alias: str

    @property
    def path(self) -> str:
        """The model's route, in both control planes."""
        return f"/registry/models/{self.project}/{self.model}"

    @property
    def words(self) -> str:
        """As people name it."""
        start, end = self.source.checkout.env, self.target.checkout.env
        return f"{self.project}/{self.model}@{self.alias}, {start} → {end}"


@dataclass(frozen=True)
class Taken:
    """A pair that was taken: its digest, and its number in either registry."""

    digest: str
    there: int
    here: int
    message: str | None


def find_route(wanted: str, start: str, end: str) -> Route:
    """The way of a model, ``[PROJECT/]MODEL[@ALIAS]``, between two environments.

    One clear line for a model that is not declared, or a way that the target does not declare.
    """
    checkout = open_checkout(end)
    target, (stack, projects) = open_platform(checkout), load(checkout.root, end)
    name, _, alias = wanted.partition("@")
    project, model = find_model(projects, name)
    declared = stack.source
    if declared is None:
        fix = f"add source: {{stack: {start or 'dev'}}} to stacks/{end}.yaml, then groundplan up {end}"
        raise GroundplanError(f"{end} trains its own pairs and takes none; fix: {fix}")
    if start and declared.stack != start:
        fix = f"--from {declared.stack}, or source: {{stack: {start}}} in stacks/{end}.yaml"
        raise GroundplanError(f"{end} takes its pairs from {declared.stack}, not from {start}; fix: {fix}")
    source = open_platform(open_checkout(declared.stack))
    return Route(source, target, project, model, alias or declared.alias or source.stack.alias)


def take(route: Route, reason: str) -> Taken:
    """Take the pair that the source's alias points to; follow the work to its end. ServiceError when it is refused."""
    there, digest = _standing(route)
    manifest = route.source.get(f"{route.path}/pairs/{digest}")
    held = HALVES if route.target.stack.owner else ()  # by the registry that both read
    for name, file in manifest["files"].items():
        if name not in held:
            _carry(route, digest, name, file)
    begun = route.target.post(f"{route.path}/pairs:import", {"manifest": manifest, "reason": reason})
    if not begun["operation"]:
        raise ServiceError(f"{route.words}: the control plane began no work on it")
    found = follow_or_leave(route.target, str(begun["operation"]), f"look: groundplan status {route.target.stack.name}")
    return Taken(digest, there, int(found["outputs"]["version"]), found.get("message"))


@dataclass(frozen=True)
class Settled:
    """A model's aliases in the target, and the applications that load them, each as it is once its work has ended."""

    aliases: dict[str, dict[str, Any]]
    applications: dict[str, dict[str, Any]]

    def points(self) -> dict[str, int | None]:
        """Where each alias points."""
        return {name: found["outputs"].get("points_to") for name, found in self.aliases.items()}

    def lines(self, version: int) -> Iterator[str]:
        """What people are told; of an alias that does not point to ``version``, and an application, also why."""
        points = self.points()
        for name, found in self.aliases.items():
            why = f": {found['message']}" if points[name] != version and found["message"] else ""
            yield f"{name} points to {points[name] or 'nothing'}{why}"
        for name, found in self.applications.items():
            why = f": {found['message']}" if found["status"] != "ready" and found["message"] else ""
            yield f"application {name} is {found['status']}{why}"


def settle(route: Route, version: int | None) -> Settled:
    """Wait until the target's aliases that follow the model point to a version, and what loads them answers.

    Aliases are worked on once the model is done, applications once the aliases are. Without a version: until what is
    at work on them has ended. What was refused, failed, or takes longer than :data:`PATIENCE` is returned as it is.
    """
    aliases = _aliases_after(route, version)
    return Settled(aliases, _applications_after(route, aliases))


def _aliases_after(route: Route, version: int | None) -> Found:
    names = [alias["alias"] for alias in _declared_aliases(route)]
    return _awaited(
        lambda: {name: _resource(route, "alias", f"{route.model}@{name}") for name in names},
        lambda alias: _done(alias, version),
    )


def _applications_after(route: Route, aliases: Mapping[str, Mapping[str, Any]]) -> Found:
    """Applications that load these aliases; one with an alias that points to no pair yet goes on waiting, is left out.

    ``waiting`` is what one is for a moment more, whose alias has just come to point somewhere.
    """
    pointing = {name for name, alias in aliases.items() if alias["outputs"].get("points_to")}
    known = route.target.get("/status")["applications"]
    names = [each["name"] for each in known if each["project"] == route.project]

    def look() -> Found:
        declared = {name: _resource(route, "serving_application", name) for name in names}
        return {name: each for name, each in declared.items() if _loads(route, each["properties"], pointing)}

    return _awaited(look, lambda application: application["status"] not in ON_ITS_WAY)


def _awaited(look: Callable[[], Found], done: Callable[[dict[str, Any]], bool]) -> Found:
    """What is seen once all of it is done, or at the end of :data:`PATIENCE`; says what it waits for."""
    end, said = time.monotonic() + PATIENCE, ""
    while True:
        found = look()
        waits = ", ".join(name for name, each in found.items() if not done(each))
        if not waits or time.monotonic() > end:
            return found
        if waits != said:
            said = waits
            say(f"waiting for {waits}")
        time.sleep(LOOK)


def _loads(route: Route, application: Mapping[str, Any], aliases: set[str]) -> bool:
    return bool(application["model"] == route.model and {*application["traffic"]} <= aliases)


def _declared_aliases(route: Route) -> list[dict[str, Any]]:
    found = route.target.get("/status")["aliases"]
    models = [(alias, *alias["name"].partition("@")) for alias in found if alias["project"] == route.project]
    return [{**alias, "alias": name} for alias, model, _, name in models if model == route.model]


def _resource(route: Route, kind: str, name: str) -> dict[str, Any]:
    return dict(route.target.get(f"/projects/{route.project}/resources/{kind}/{name}")["resource"])


def _done(alias: Mapping[str, Any], version: int | None) -> bool:
    if alias["status"] == "pending":
        return False
    if version is None:
        return True
    stays = alias["status"] == "refused" or alias["outputs"].get("hold") or not alias["properties"].get("follow")
    return bool(stays or alias["outputs"].get("points_to") == version)


def take_pairs(stack: StackSpec, projects: Sequence[LoadedProject]) -> None:
    """After an `up`: take what the source's aliases point to, where the stack says ``take: on_up``.

    Returns once what is taken answers, so that whoever is told that all is done is answered with it.
    """
    if stack.source is None:
        return
    for name in (f"{project.spec.name}/{model}" for project in projects for model in project.spec.training):
        try:
            route = find_route(name, stack.source.stack, stack.name)
            _, digest = _standing(route)
        except GroundplanError as error:  # what is deployed here is deployed, whatever the other one lacks
            say(f"warning: no pair was taken: {error}")
            continue
        known = _selected(route) == digest
        if stack.source.take == "on_up":
            _take_on_up(route, known)
        elif not known:
            brings = f"groundplan promote {name} --from {stack.source.stack} --to {stack.name} --reason …"
            say(f"{route.words}: {stack.source.stack} has another pair ({digest}); {brings}")


def _take_on_up(route: Route, known: bool) -> None:
    """Take what there is to take, and wait for what loads it: of a known pair, for what an `up` before had begun."""
    if known:
        settle(route, None)
        return
    start, end = route.source.stack.name, route.target.stack.name
    taken = take(route, f"up: {end} takes what {start}'s {route.alias} points to")
    say(f"{route.words}: pair {taken.digest}, version {taken.there} there, is version {taken.here} here")
    for line in settle(route, taken.here).lines(taken.here):
        say(line)


def _selected(route: Route) -> str | None:
    """Digest of the pair that the model of the target names now."""
    found = route.target.get(route.path)
    return next((pair["digest"] for pair in found["versions"] if pair["version"] == found["version"]), None)


def _standing(route: Route) -> tuple[int, str]:
    """Number and digest of the pair that the source's alias points to now."""
    found = route.source.get(route.path)
    points = {alias["alias"]: alias["version"] for alias in found["aliases"]}
    if points.get(route.alias) is None:
        there = ", ".join(sorted(name for name, version in points.items() if version is not None)) or "none yet"
        env = route.source.checkout.env
        raise GroundplanError(
            f"{env}: {route.project}/{route.model}@{route.alias} points to no pair; aliases that do: {there}; "
            f"fix: name one, as in {route.model}@latest, or groundplan up {env}"
        )
    version = int(points[route.alias])
    return version, next(pair["digest"] for pair in found["versions"] if pair["version"] == version)


def _carry(route: Route, digest: str, name: str, file: Mapping[str, Any]) -> None:
    """Carry one file over, unless it is there; nothing arrives that is not what the manifest says."""
    place = f"{route.path}/imports/{file['sha256']}"
    if route.target.has(place):
        return
    say(f"carries {name} ({file['size']:,} bytes)")
    data = route.source.download(f"{route.path}/pairs/{digest}/files/{name}")
    if hashlib.sha256(data).hexdigest() != file["sha256"]:
        raise ServiceError(f"{route.words}: {name} is not what its manifest says; nothing was imported; fix: try again")
    route.target.upload(place, data)
