"""How an application comes to run what it shall: on Ray Serve, in place or beside (blue-green), or in one process."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from groundplan.controlplane.adapters.single import service_name
from groundplan.controlplane.context import Platform, Work
from groundplan.controlplane.db.engine import locked
from groundplan.controlplane.rules.serve_config import COLOURS, Live, Wish, application_config, live_of, other_colour

#: Seconds for an application to run: replicas start, and load both halves.
DEADLINE = 300.0


@dataclass(frozen=True)
class Running:
    """An application as it is: its name there, its shape, what is live, and how it is."""

    name: str
    shape: str
    live: Live
    config: dict[str, Any]
    problem: str | None = None


class Deployer(Protocol):
    """One way to run applications."""

    def now(self, project: str, name: str) -> Running | None:
        """Return what runs, None when nothing does."""

    def tell(self, work: Work, wish: Wish, running: Running, live: Live) -> None:
        """Change what runs in place; return when every replica has taken it over."""

    def start(self, work: Work, wish: Wish, running: Running | None, live: Live) -> None:
        """Start it, beside what runs in another shape, which then goes. No request is lost in between."""

    def remove(self, project: str, name: str) -> None:
        """Take it away; harmless when it is not there."""


class OnRay:
    """Applications of Ray Serve. Each has two names, a colour each; the one with its route is the one that answers."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def now(self, project: str, name: str) -> Running | None:
        """Return the application that has the route."""
        found = self._platform.serve.applications()
        mine = [each for each in map(_key(project, name), COLOURS) if each in found]
        live = next((each for each in mine if found[each]["config"].get("route_prefix") == _route(project, name)), None)
        if live is None:
            return None
        config = found[live]["config"]
        told = live_of(config)
        if told is None:
            return None
        return Running(live, config.get("args", {}).get("shape", ""), told, config, _problem(found[live]))

    def tell(self, work: Work, wish: Wish, running: Running, live: Live) -> None:
        """Put the same application with other live parts."""
        self._put(work, application_config(wish, live, running.name, _route(wish.project, wish.name)))

    def start(self, work: Work, wish: Wish, running: Running | None, live: Live) -> None:
        """Start it in the free colour; when it runs, both change their routes in one step, and the old one drains."""
        route = _route(wish.project, wish.name)
        if running is None:
            config = application_config(wish, live, _key(wish.project, wish.name)(COLOURS[0]), route)
            self._put(work, config, instead=self._strangers(config["name"], route))
            return
        name = other_colour(running.name)
        hidden = f"{route}~{name.rpartition('-')[2]}"
        work.say(f"{wish.name}: starting {name} beside {running.name}")
        self._put(work, application_config(wish, live, name, hidden))
        work.say(f"{wish.name}: {name} runs; it takes over")
        old = {**running.config, "route_prefix": f"{route}~{running.name.rpartition('-')[2]}"}
        self._put(work, application_config(wish, live, name, route), old)
        self._delete(running.name)

    def remove(self, project: str, name: str) -> None:
        """Take both colours away."""
        for colour in COLOURS:
            self._delete(_key(project, name)(colour))

    def _strangers(self, own: str, route: str) -> list[str]:
        """Return what has the route and is none of ours: an older release's, or a hand's."""
        found = self._platform.serve.applications().items()
        return [name for name, each in found if name != own and each["config"].get("route_prefix") == route]

    def _put(self, work: Work, config: dict[str, Any], *others: dict[str, Any], instead: Sequence[str] = ()) -> None:
        with locked(self._platform.engine, "ray-serve"):
            self._platform.serve.put(config, *others, instead=instead)
        self._platform.serve.wait_running(config["name"], DEADLINE, work.say, work.cancelled)

    def _delete(self, name: str) -> None:
        with locked(self._platform.engine, "ray-serve"):
            self._platform.serve.delete(name)


class AsOneProcess:
    """Applications that are one supervised process each, for development."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def now(self, project: str, name: str) -> Running | None:
        """Return what the process was told; None when it runs not, or was restarted and has forgotten."""
        found = self._platform.singles.observe(project, name)
        if found is None:
            return None
        return Running(service_name(project, name), found["shape"], found["live"], {})

    def tell(self, work: Work, wish: Wish, running: Running | None, live: Live) -> None:
        """Tell the process, which loads what is new before it answers with it."""
        self._platform.singles.put(wish.project, wish.name, {"shape": wish.shape, "live": live})

    def start(self, work: Work, wish: Wish, running: Running | None, live: Live) -> None:
        """Tell it for the first time: the process itself is the supervisor's."""
        self.tell(work, wish, running, live)

    def remove(self, project: str, name: str) -> None:
        """Nothing to take away: the process is the supervisor's."""


def deployer_of(platform: Platform, topology: str) -> Deployer:
    """Return what runs applications of a topology."""
    return AsOneProcess(platform) if topology == "single" else OnRay(platform)


def _key(project: str, name: str) -> Callable[[str], str]:
    return lambda colour: f"{project}-{name}-{colour}"


def _route(project: str, name: str) -> str:
    return f"/{project}/{name}"


def _problem(found: dict[str, Any]) -> str | None:
    if found["status"] in ("DEPLOY_FAILED", "UNHEALTHY"):
        return f"Serve says {found['status']}: {' '.join(str(found['message']).split())[:200]}"
    return None
