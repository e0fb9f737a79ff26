"""Serving applications: what they are told, and how a flip goes: warm, move, answer, keep the old one warm."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from groundplan.controlplane import registry, store
from groundplan.controlplane.context import Platform, Work
from groundplan.controlplane.db.engine import locked
from groundplan.controlplane.deployers import Deployer, Running, deployer_of
from groundplan.controlplane.kinds import log_checks
from groundplan.controlplane.kinds.base import Carry, Kind, Observed, Outcome, Step, need, project_resources, same
from groundplan.controlplane.kinds.trained_on import features_of
from groundplan.controlplane.rules.serve_config import Live, Pair, Wish, held, live_config, steps, told_tiers
from groundplan.controlplane.store import Actor, Resource

SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
#: A topology of each way to run: what another one left is taken away.
TOPOLOGIES = ("tiered", "single")
Pointers = dict[str, int]


class ServingApplication(Kind):
    """A model behind HTTP. A promotion is not a change here: it flips what an alias points to."""

    slug = "serving_application"
    long = True

    def admit(self, platform: Platform, resource: Resource) -> None:
        """Its model has to be declared."""
        need(platform, resource.project, "model", resource.properties["model"])

    def steps(self) -> Sequence[Step]:
        """Deploy it with the pairs that its aliases point to now."""
        return (self._deploy, self._check)

    def _check(self, work: Work, carry: Carry) -> Carry:
        """What a person asked for beside the declaration: the last check's result stays in the outputs."""
        checks: dict[str, Callable[..., dict[str, Any]]] = {"skew": log_checks.skew, "shadow": log_checks.shadow}
        asked = {name: words for name, words in work.request.items() if name in checks}
        if carry["status"] != "ready":
            return carry
        found = {name: checks[name](work, **words) for name, words in asked.items()}
        return {**carry, "outputs": {**carry["outputs"], **found}}

    def _deploy(self, work: Work, _: Carry) -> Carry:
        platform, resource = work.platform, work.resource
        wish = wish_of(resource)
        # Under the lock of the model's aliases: none may move between the look at it and the telling.
        with locked(platform.engine, registry.lock_of(resource.project, resource.properties["model"])):
            pointers = _pointers(platform, resource)
            if not any(alias in pointers for alias in wish.properties["traffic"]):
                waits = ", ".join(f"{resource.properties['model']}@{alias}" for alias in wish.properties["traffic"])
                return Outcome(status="waiting", message=f"waits for {waits} to point to a pair version").carry()
            bring(work, resource, pointers)
        missing = sorted(set(wish.properties["traffic"]) - set(pointers))
        message = f"{', '.join(missing)} points to nothing yet: the other aliases answer for it" if missing else None
        return Outcome(_outputs(platform, resource, pointers), message=message).carry()

    def observe(self, platform: Platform, resource: Resource) -> Observed | None:
        """Return what runs; None when nothing does (a waiting one has nothing)."""
        pointers = _pointers(platform, resource)
        if resource.status == "waiting" and any(alias in pointers for alias in resource.properties["traffic"]):
            message = "its alias points to a pair version now"
            return Observed(resource.properties, resource.outputs, "pending", message)
        if resource.status != "ready":
            return Observed(resource.properties, resource.outputs, resource.status, resource.message)
        wish = wish_of(resource)
        found = deployer_of(platform, wish.topology).now(resource.project, resource.name)
        if found is None:
            return None
        tiers = told_tiers(found.config, resource.properties["tiers"])
        properties = {**resource.properties, "tiers": tiers}
        problem = found.problem or _difference(platform, resource, found, pointers)
        if problem is None and (found.shape != wish.shape or not same(properties, resource.properties)):
            problem = "runs in another shape, or was changed by hand"
        outputs = {**resource.outputs, **_outputs(platform, resource, found.live["door"]["aliases"])}
        return Observed(properties, outputs, "drifted" if problem else "ready", problem or resource.message)

    def delete(self, platform: Platform, resource: Resource, purge: bool, actor: Actor) -> None:
        """Take it away."""
        for topology in TOPOLOGIES:
            deployer_of(platform, topology).remove(resource.project, resource.name)


def is_served(platform: Platform, resource: Resource) -> bool:
    """Whether an application runs, in the shape that it shall have: with this release's code."""
    wish = wish_of(resource)
    now = deployer_of(platform, wish.topology).now(resource.project, resource.name)
    return now is not None and now.shape == wish.shape


def wish_of(resource: Resource) -> Wish:
    """Return what an application shall be."""
    given = resource.properties
    shape = hashlib.sha256(json.dumps([given["topology"], _code()]).encode()).hexdigest()[:16]
    return Wish(resource.project, resource.name, shape, given, seconds(given["timeout"]))


def _code() -> str:
    """Return the code that replicas run: that of this process. Its image tells its digest, or its PYTHONPATH."""
    return os.environ.get("GROUNDPLAN_CODE") or os.environ.get("PYTHONPATH", "").rpartition("/")[2]


def bring(work: Work, resource: Resource, pointers: Pointers) -> None:
    """Bring an application to what it shall be, with its aliases at ``pointers``: in place, or beside what runs."""
    wish, deployer, now, told = _plan(work.platform, resource, pointers)
    if now is None or now.shape != wish.shape:
        deployer.start(work, wish, now, told[-1])
        if wish.topology == "single":  # what answered on Ray Serve before
            deployer_of(work.platform, TOPOLOGIES[0]).remove(resource.project, resource.name)
        return
    for live in told:
        deployer.tell(work, wish, now, live)


def flip(work: Work, model: str, alias: str, target: int, move: Callable[[], None]) -> None:
    """Bring every application that loads an alias to the pair version ``target``. Under the model's lock.

    All replicas hold the target first; then ``move()`` writes the pointer, and the applications answer with it. The
    one before stays warm. Nothing is redeployed.
    """
    platform = work.platform
    applications = project_resources(platform, work.resource.project, "serving_application")
    plans: list[tuple[Resource, Wish, Deployer, Running, list[Live]]] = []
    for each in (a for a in applications if _loads(a, model, alias)):
        pointers = _pointers(platform, each)
        wish, deployer, now, told = _plan(
            platform, each, {**pointers, alias: target}, moved=(alias, pointers.get(alias))
        )
        if now is not None and now.shape == wish.shape:
            plans.append((each, wish, deployer, now, told))
    for each, wish, deployer, now, told in plans:
        for live in told[:-1]:
            work.say(f"{each.name}: warming pair version {target}")
            deployer.tell(work, wish, now, live)
    move()
    for each, wish, deployer, now, told in plans:
        deployer.tell(work, wish, now, told[-1])
        with platform.engine.begin() as connection:
            store.note(connection, each, _outputs(platform, each, told[-1]["door"]["aliases"]), work.actor, "flip")
        work.say(f"{each.name}: {alias} answers with pair version {target}")


def waiting(platform: Platform, alias: Resource) -> list[Resource]:
    """Return the applications that wait for an alias, once it points somewhere."""
    given = alias.properties
    found = project_resources(platform, alias.project, "serving_application")
    mine = [a for a in found if _loads(a, given["model"], given["alias"]) and given["alias"] in _pointers(platform, a)]
    return [a for a in mine if a.status == "waiting" or given["alias"] not in a.outputs.get("aliases", {})]


def _plan(
    platform: Platform, resource: Resource, pointers: Pointers, moved: tuple[str, int | None] | None = None
) -> tuple[Wish, Deployer, Running | None, list[Live]]:
    wish = wish_of(resource)
    deployer = deployer_of(platform, wish.topology)
    now = deployer.now(resource.project, resource.name)
    holding = held(now.live) if now else set()
    target = _live(platform, resource, wish, pointers, holding, moved)
    return wish, deployer, now, steps(now.live if now and now.shape == wish.shape else None, target)


def _live(
    platform: Platform,
    resource: Resource,
    wish: Wish,
    pointers: Pointers,
    holding: set[int],
    moved: tuple[str, int | None] | None = None,
) -> Live:
    """Return what shall be live: what the aliases name, and warm beside it what each named before.

    What replicas are ``holding`` already need not be there to be loaded: a flip back does not ask MLflow.
    """
    keep = set(_previous(platform, resource, pointers))
    if moved and moved[1] is not None:
        keep.add(moved[1])
    keep -= set(pointers.values())
    name = registry.mlflow_name(resource.project, resource.properties["model"])
    still = [n for n in sorted(keep) if n in holding or platform.mlflow.has_pair(name, n)]
    pairs = {n: _pair(platform, resource, n) for n in {*pointers.values(), *still}}
    return live_config(wish, pointers, pairs, still)


def _previous(platform: Platform, resource: Resource, pointers: Pointers) -> Iterator[int]:
    project, model = resource.project, resource.properties["model"]
    with platform.engine.connect() as connection:
        known = {pair["version"] for pair in registry.pairs_of(connection, project, model)}
        for alias in pointers:
            before = registry.previous(connection, project, model, alias)
            if before in known and before is not None:
                yield before


def _pair(platform: Platform, resource: Resource, version: int) -> Pair:
    name = registry.mlflow_name(resource.project, resource.properties["model"])
    uris = platform.mlflow.source_uris(name, version)
    features = features_of(platform, resource.project, resource.properties["model"], version)
    return Pair(uris["preprocessor"], uris["model"], features)


def _difference(platform: Platform, resource: Resource, found: Running, pointers: Pointers) -> str | None:
    """Return how what an application answers with differs from what it shall, None when it does not."""
    answers = {alias: int(n) for alias, n in found.live["door"]["aliases"].items()}
    for alias, version in pointers.items():
        if answers.get(alias) != version:
            return f"answers with pair version {answers.get(alias)}, its alias {alias} points to {version}"
    wanted = live_config(wish_of(resource), pointers, {n: _pair(platform, resource, n) for n in pointers.values()})
    return None if found.live["door"] == wanted["door"] else "changed by hand in Ray Serve"


def _outputs(platform: Platform, resource: Resource, aliases: Mapping[str, int]) -> dict[str, Any]:
    traffic = {alias: weight for alias, weight in resource.properties["traffic"].items() if alias in aliases}
    most = max(sorted(traffic), key=lambda alias: traffic[alias], default=None)
    serves = aliases[most] if most is not None else None
    return {"serves": serves, "aliases": dict(aliases), "endpoint": endpoint(platform, resource)}


def endpoint(platform: Platform, resource: Resource) -> str:
    """Return an application's URL."""
    if resource.properties["topology"] == "single":
        found = platform.singles.endpoint(resource.project, resource.name)
        if found is not None:
            return found
    return f"{platform.runtime.endpoint('serve')}{resource.properties['route']}"


def _loads(application: Resource, model: str, alias: str) -> bool:
    given = application.properties
    return given["model"] == model and (alias in given["traffic"] or alias in given.get("shadow", ()))


def _pointers(platform: Platform, resource: Resource) -> Pointers:
    """Return where an application's aliases point, those that point nowhere left out."""
    given = resource.properties
    with platform.engine.connect() as connection:
        found = {
            alias: registry.pointer(connection, resource.project, given["model"], alias).version
            for alias in sorted({*given["traffic"], *given.get("shadow", ())})
        }
    return {alias: version for alias, version in found.items() if version is not None}


def seconds(duration: str) -> float:
    """Return a duration such as ``5s`` or ``500ms`` in seconds."""
    unit = next(unit for unit in sorted(SECONDS, key=len, reverse=True) if duration.endswith(unit))
    return float(duration.removesuffix(unit)) * SECONDS[unit]
