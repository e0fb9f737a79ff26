"""Ray Serve through its REST API: one document holds all applications, so one is changed by putting all of them."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from groundplan.controlplane import discovery
from groundplan.controlplane.ray_dashboard import Dashboard, Unreachable, one_line
from groundplan.errors import ServiceError
from groundplan_runtime.config import Runtime

PATH = "/api/serve/applications/"
#: Seconds between two looks at an application that is coming up.
POLL = 0.3
#: Seconds on end that an application of a Serve that came up with it has to answer: every gateway looks once a second
#: (``groundplan.gateway.clusters``), and leads nobody to what did not answer.
SETTLED = 3.0
#: Serve answers 200 to a field that it does not know, and drops it: these are the ones that we use.
FIELDS = frozenset({"name", "route_prefix", "import_path", "args", "runtime_env", "deployments"})
DEPLOYMENT_FIELDS = frozenset(
    {
        "name",
        "num_replicas",
        "autoscaling_config",
        "ray_actor_options",
        "max_ongoing_requests",
        "max_queued_requests",
        "user_config",
    }
)


class RayServe:
    """Puts, looks at and deletes applications. The caller holds the lock under which the document is changed."""

    #: Which of Ray's nodes answer requests.
    proxies = "HeadOnly"
    #: Seconds that Ray's nodes may take to come up, beside an application's own time.
    nodes = 0.0

    def __init__(self, runtime: Runtime) -> None:
        self._runtime, self._dashboard, self._host = runtime, Dashboard(runtime), runtime.bind
        self._port = urlsplit(runtime.endpoint("serve")).port
        #: Applications that were put while nothing answered for Serve.
        self._first: set[str] = set()

    def session(self) -> str:
        """Return the name of Ray's session: another one after every restart of its head."""
        return str(self._dashboard.ask("GET", "/api/version").json()["session_name"])

    def observe(self, application: str) -> dict[str, Any] | None:
        """Return what Serve says of an application: status, message, the config it was given, its deployments.

        None when it has none such, or runs no application at all. ServiceError when Ray does not answer.
        """
        return self.applications().get(application)

    def applications(self) -> dict[str, dict[str, Any]]:
        """Return what :meth:`observe` returns, of all applications by name, but those on their way out."""
        return {name: _brief(each) for name, each in self._details().items() if each["status"] != "DELETING"}

    def renew(self) -> None:
        """Nothing to renew: what runs Ray was restarted with what it is made from."""

    def put(self, *configs: Mapping[str, Any], instead: Sequence[str] = ()) -> None:
        """Give Serve the configs of some applications at once, ``instead`` of those named; the others keep theirs.

        ServiceError when Serve refuses them.
        """
        for config in configs:
            _check(config)
        names = {str(config["name"]) for config in configs}
        if not discovery.well(self._runtime, "serve"):
            self._first |= names
        self._put_all([*self._others({*instead, *names}), *map(dict, configs)])

    def delete(self, application: str) -> None:
        """Take one application away; harmless when it is not there."""
        if application in self._details():
            self._put_all(self._others({application}))

    def wait_running(
        self,
        application: str,
        deadline_s: float,
        on_line: Callable[[str], None],
        cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        """Wait until the config that was put is the one that runs, in every replica of every deployment.

        Then until it answers at its route, and where Serve itself came up with it, goes on answering: whoever is told
        that all is done is answered.

        Raises:
            ServiceError: Serve gave up, the application is gone, ``deadline_s`` seconds and those of :attr:`nodes`
                passed, or ``cancelled()``; says which deployment, and why, in one line.
        """
        deadline_s += self.nodes
        end, said = time.monotonic() + deadline_s, ""
        while True:
            found, problem = self._look(application)
            if found is not None and _runs(found):
                break
            if found is not None and found["status"] == "DEPLOY_FAILED":
                raise ServiceError(f"{application} failed: {_why(found)}; fix: groundplan logs ray")
            if cancelled():
                raise ServiceError(f"{application}: nobody waits for this config any more")
            now = problem or _progress(found)
            if time.monotonic() > end:
                why = _why(found) if found else now
                raise ServiceError(
                    f"{application} does not run after {deadline_s:g} s: {why}; fix: groundplan logs ray"
                )
            if now != said:
                said = now
                on_line(f"{application}: {now}")
            time.sleep(POLL)
        self._settle(application, str(found["config"]["route_prefix"]), end, cancelled)
        self._first.discard(application)

    def _settle(self, application: str, route: str, end: float, cancelled: Callable[[], bool]) -> None:
        """Wait until it answers at the address by which the gateway asks for it; a first one, for some seconds on end.

        Serve tells its proxies of a new route a moment after it says that what is behind it runs.
        """
        since, enough = time.monotonic(), SETTLED if application in self._first else 0.0
        while True:
            if not discovery.answers(self._runtime, route):
                since = time.monotonic()
            elif time.monotonic() - since >= enough:
                return
            if cancelled() or time.monotonic() > end:
                where = f"{self._runtime.endpoint('serve')}{route}"
                raise ServiceError(f"{application} runs, and {where} does not answer; fix: groundplan logs ray")
            time.sleep(POLL)

    def _look(self, application: str) -> tuple[dict[str, Any] | None, str | None]:
        try:
            return self.observe(application), None
        except Unreachable as error:
            return None, str(error)

    def _door(self) -> Dashboard | None:
        """Return where Serve is asked what it runs; None when there is no Ray for it."""
        return self._dashboard

    def _details(self) -> dict[str, Any]:
        door = self._door()
        if door is None:
            return {}
        answer = door.ask("GET", PATH)
        if answer.status_code != 200:
            raise ServiceError(f"Ray Serve does not say what it runs: {one_line(answer.text)}")
        return dict(answer.json()["applications"])

    def _others(self, names: set[str]) -> list[dict[str, Any]]:
        """Return the configs of all others; one that is being deleted would come back if it were put."""
        found = [each for name, each in self._details().items() if name not in names]
        return [e["deployed_app_config"] for e in found if e.get("deployed_app_config") and e["status"] != "DELETING"]

    def _document(self, applications: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "proxy_location": self.proxies,
            "http_options": {"host": self._host, "port": self._port},
            "applications": applications,
        }

    def _put_all(self, applications: list[dict[str, Any]]) -> None:
        answer = self._dashboard.ask("PUT", PATH, self._document(applications))
        if answer.status_code != 200:
            raise ServiceError(f"Ray Serve does not take its config: {one_line(answer.text)}")


def _brief(found: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "status": found["status"],
        "message": found["message"],
        "config": found.get("deployed_app_config") or {},
        "deployments": {
            name: {"status": each["status"], "message": each["message"], "config": each["deployment_config"]}
            for name, each in found["deployments"].items()
        },
    }


def _check(config: Mapping[str, Any]) -> None:
    """Raise ServiceError for what Serve would drop silently."""
    missing = {"name", "route_prefix", "import_path"} - {*config}
    if missing:
        raise ServiceError(f"an application's config for Ray Serve has no {', '.join(sorted(missing))}")
    deployments = config.get("deployments", [])
    unknown = {*config} - FIELDS | {key for each in deployments for key in each} - DEPLOYMENT_FIELDS
    if unknown:
        raise ServiceError(f"{config['name']}: Ray Serve would drop {', '.join(sorted(unknown))} of its config")


def _runs(found: Mapping[str, Any]) -> bool:
    deployments, told = found["deployments"], found["config"].get("deployments", [])
    return (
        found["status"] == "RUNNING"
        and bool(deployments)
        and all(each["status"] == "HEALTHY" for each in deployments.values())
        and all(_applied(each, deployments.get(each["name"])) for each in told)
    )


def _applied(told: Mapping[str, Any], found: Mapping[str, Any] | None) -> bool:
    if found is None:
        return False
    return all(found["config"].get(key) == told[key] for key in ("user_config", "num_replicas") if key in told)


def _progress(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return "not there"
    waiting = [name for name, each in sorted(found["deployments"].items()) if each["status"] != "HEALTHY"]
    return f"{found['status'].lower()}{': ' if waiting else ''}{', '.join(waiting)}"


def _why(found: Mapping[str, Any]) -> str:
    failing = [(name, each) for name, each in sorted(found["deployments"].items()) if each["status"] != "HEALTHY"]
    for name, each in failing:
        if each["message"]:
            return f"{name} is {each['status']}: {one_line(each['message'])}"
    if found["message"]:
        return one_line(found["message"])
    return ", ".join(f"{name} is {each['status']}" for name, each in failing) or f"Serve says {found['status']}"
