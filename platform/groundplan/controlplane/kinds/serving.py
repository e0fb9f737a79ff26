"""Serving applications: what Ray Serve is told, and how a flip goes: warm, move, answer, keep the old one warm."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from groundplan.controlplane import registry, store
from groundplan.controlplane.context import Platform, Work
from groundplan.controlplane.db.engine import locked
from groundplan.controlplane.kinds import jobs
from groundplan.controlplane.kinds.base import Carry, Kind, Observed, Outcome, Step, need, project_resources, same
from groundplan.controlplane.rules.serve_config import application_config, told, warm_steps
from groundplan.controlplane.store import Actor, Resource

#: Seconds for an application to run: replicas start, and load both halves.
DEADLINE = 300.0
SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class ServingApplication(Kind):
    """A model behind HTTP. A promotion is not a change here: it flips what the alias points to."""

    slug = "serving_application"
    long = True

    def admit(self, platform: Platform, resource: Resource) -> None:
        """Its model has to be declared."""
        need(platform, resource.project, "model", resource.properties["model"])

    def steps(self) -> Sequence[Step]:
        """Deploy it with the pair that its alias points to now."""
        return (self._deploy,)

    def _deploy(self, work: Work, _: Carry) -> Carry:
        platform, resource = work.platform, work.resource
        model, alias = resource.properties["model"], resource.properties["alias"]
        # Under the alias's lock: it must not move between the look at it and the telling.
        with locked(platform.engine, registry.lock_of(resource.project, model, alias)):
            version = _pointer(platform, resource)
            if version is None:
                message = f"waits for {model}@{alias} to point to a pair version"
                return Outcome(status="waiting", message=message).carry()
            for versions, active in warm_steps(*_held(platform, resource), version):
                put(work, resource, versions, active)
        return Outcome({"serves": version, "endpoint": endpoint(platform, resource)}).carry()

    def observe(self, platform: Platform, resource: Resource) -> Observed | None:
        """Return what Serve runs; None when it has no such application (a waiting one has none)."""
        if resource.status == "waiting" and _pointer(platform, resource) is not None:
            message = "its alias points to a pair version now"
            return Observed(resource.properties, resource.outputs, "pending", message)
        if resource.status != "ready":
            return Observed(resource.properties, resource.outputs, resource.status, resource.message)
        found = platform.serve.observe(application_name(resource))
        if found is None:
            return None
        wanted = _pointer(platform, resource)
        properties = {**resource.properties, **told(found["config"], resource.properties["tiers"])}
        problem = _problem(found, wanted, resource)
        if problem is None and not same(properties, resource.properties):
            problem = "changed by hand in Ray Serve"
        outputs = {**resource.outputs, "serves": _active(found["config"], resource)}
        return Observed(properties, outputs, "drifted" if problem else "ready", problem)

    def delete(self, platform: Platform, resource: Resource, purge: bool, actor: Actor) -> None:
        """Take it out of Serve."""
        with locked(platform.engine, "ray-serve"):
            platform.serve.delete(application_name(resource))


def _problem(found: Mapping[str, Any], wanted: int | None, resource: Resource) -> str | None:
    if found["status"] in ("DEPLOY_FAILED", "UNHEALTHY", "DELETING"):
        return f"Serve says {found['status']}: {' '.join(str(found['message']).split())[:200]}"
    active = _active(found["config"], resource)
    return None if active == wanted else f"answers with pair version {active}, its alias points to {wanted}"


def application_name(resource: Resource) -> str:
    """Return what Serve calls an application."""
    return f"{resource.project}-{resource.name}"


def endpoint(platform: Platform, resource: Resource) -> str:
    """Return an application's URL."""
    return f"{platform.runtime.endpoint('serve')}{resource.properties['route']}"


def flip(work: Work, model: str, alias: str, target: int, move: Callable[[], None]) -> None:
    """Bring every application that loads an alias to the pair version ``target``.

    All replicas hold the target first; then ``move()`` writes the pointer, and the applications answer with it. The
    one before stays warm. Nothing is redeployed.
    """
    loading = [
        a
        for a in project_resources(work.platform, work.resource.project, "serving_application")
        if _loads(a, model, alias)
    ]
    held = {a.name: _held(work.platform, a) for a in loading}
    up = [a for a in loading if held[a.name][0]]
    plans = {a.name: warm_steps(*held[a.name], target) for a in up}
    for application in up:
        for versions, active in plans[application.name][:-1]:
            work.say(f"{application.name}: warming pair version {target}")
            put(work, application, versions, active)
    move()
    for application in up:
        put(work, application, *plans[application.name][-1])
        with work.platform.engine.begin() as connection:
            store.note(connection, application, {"serves": target}, work.actor, "flip")
        work.say(f"{application.name}: answers with pair version {target}")


def waiting(platform: Platform, alias: Resource) -> list[Resource]:
    """Return the applications that wait for an alias, once it points somewhere."""
    given = alias.properties
    found = project_resources(platform, alias.project, "serving_application")
    mine = [a for a in found if a.status == "waiting" and _loads(a, given["model"], given["alias"])]
    return [a for a in mine if _pointer(platform, a) is not None]


def _loads(application: Resource, model: str, alias: str) -> bool:
    return application.properties["model"] == model and application.properties["alias"] == alias


def put(work: Work, application: Resource, versions: Sequence[int], active: int) -> None:
    """Tell Serve which versions an application holds and which one answers; wait until it does."""
    platform = work.platform
    config = _config(platform, application, versions, active)
    with locked(platform.engine, "ray-serve"):
        platform.serve.put(application_name(application), config)
    platform.serve.wait_running(application_name(application), DEADLINE, work.say, work.cancelled)


def _config(platform: Platform, application: Resource, versions: Sequence[int], active: int) -> dict[str, Any]:
    given = application.properties
    name = registry.mlflow_name(application.project, given["model"])
    halves = {"versions": list(versions), "mlflow": {str(n): platform.mlflow.source_uris(name, n) for n in versions}}
    args = {
        "project": application.project,
        "application": application.name,
        "model": given["model"],
        "feature_service": _features(platform, application),
        "max_batch": given["max_batch"],
        "timeout_s": seconds(given["timeout"]),
    }
    live = {"active": {given["alias"]: active}, "alias": given["alias"]}
    return application_config(
        application.project, application.name, args=args, halves=halves, live=live, tiers=given["tiers"]
    )


def _features(platform: Platform, application: Resource) -> dict[str, Any]:
    project = application.project
    model = need(platform, project, "model", application.properties["model"])
    service = need(platform, project, "feature_service", model.properties["feature_service"])
    views = [need(platform, project, "feature_view", view) for view in service.properties["views"]]
    names = sorted({name for view in views for name in view.properties["entities"]})
    keys = ("join_key", "type")
    entities = {n: {k: e[k] for k in keys} for n, e in jobs.entities_of(platform, project, names).items()}
    return {"name": service.name, "views": service.properties["views"], "entities": entities}


def seconds(duration: str) -> float:
    """Return a duration such as ``5s`` or ``500ms`` in seconds."""
    unit = next(unit for unit in sorted(SECONDS, key=len, reverse=True) if duration.endswith(unit))
    return float(duration.removesuffix(unit)) * SECONDS[unit]


def _pointer(platform: Platform, application: Resource) -> int | None:
    given = application.properties
    with platform.engine.connect() as connection:
        return registry.pointer(connection, application.project, given["model"], given["alias"]).version


def _held(platform: Platform, application: Resource) -> tuple[list[int], int | None]:
    """Return the versions that a running application holds, and the one that answers; none when Serve has it not."""
    found = platform.serve.observe(application_name(application))
    if found is None:
        return [], None
    return _user_config(found["config"], "ModelService").get("versions", []), _active(found["config"], application)


def _active(config: Mapping[str, Any], application: Resource) -> int | None:
    active = _user_config(config, "ForecastAPI").get("active", {})
    version = active.get(application.properties["alias"])
    return None if version is None else int(version)


def _user_config(config: Mapping[str, Any], deployment: str) -> dict[str, Any]:
    found = [d.get("user_config") for d in config.get("deployments", []) if d["name"] == deployment]
    return dict(found[0] or {}) if found else {}
