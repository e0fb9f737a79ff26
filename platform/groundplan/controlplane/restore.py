"""Brings applications back after Ray was restarted: Serve forgets them, we do not."""

import threading
import time

import structlog

from groundplan.controlplane import operations, service, store
from groundplan.controlplane.context import Platform
from groundplan.controlplane.db.engine import locked
from groundplan.controlplane.kinds.serving import is_served
from groundplan.controlplane.problem import as_parts
from groundplan.controlplane.store import Actor, Resource

log = structlog.get_logger()

#: Seconds between two looks at Ray.
PERIOD = 2.0
#: Seconds in which what was served before a start is served again; after them, health no longer waits for it.
PATIENCE = 90.0
ACTOR = Actor("controlplane", "Ray was restarted")


class Restorer:
    """Watches Ray's session; when it is another one, deploys every application that Serve has lost."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._session: str | None = None
        #: The operations that bring applications back; None until the first look.
        self._restoring: list[str] | None = None
        self._until = time.monotonic() + PATIENCE
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="restorer", daemon=True)
        #: Set once what was served before is served again, or cannot be now.
        self.restored = threading.Event()

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching."""
        self._stopped.set()
        self._thread.join(timeout=2 * PERIOD)

    def _watch(self) -> None:
        while not self._stopped.is_set():
            for step in (self._look, self._settle):
                try:
                    step()
                except Exception as error:  # a database that restarts, Ray that does not answer: the watch goes on
                    log.warning("applications are not restored yet", error=as_parts(error)["what"])
            self._stopped.wait(PERIOD)

    def _look(self) -> None:
        served = self._applications()
        on_ray = [each for each in served if each.properties["topology"] != "single"]
        for each in (each for each in served if each not in on_ray):
            if each.status != "pending" and self._platform.singles.has_forgotten(each.project, each.name):
                self._restore(each)
        if self._restoring is None:
            with locked(self._platform.engine, "ray-serve"):
                self._platform.serve.renew()
        session = self._platform.serve.session() if on_ray else None
        if session == self._session and self._restoring is not None:
            return
        begun = [self._restore(application) for application in on_ray]
        self._restoring = [operation for operation in begun if operation]
        self._session = session

    def _restore(self, application: Resource) -> str | None:
        if is_served(self._platform, application):
            return None
        log.info("restoring an application", application=application.id)
        return service.declare(self._platform, application, ACTOR, force=True)[1]

    def _settle(self) -> None:
        """Whoever waits for our health sees the applications at work, not on their way."""
        if self.restored.is_set():
            return
        if time.monotonic() > self._until or (self._restoring is not None and not self._under_way(self._restoring)):
            self.restored.set()

    def _under_way(self, begun: list[str]) -> bool:
        with self._platform.engine.connect() as connection:
            return any(operations.is_running(connection, each) for each in begun)

    def _applications(self) -> list[Resource]:
        with self._platform.engine.connect() as connection:
            served = [a for a in store.every(connection, kind="serving_application") if a.outputs.get("serves")]
        # What an older release declared, the next `up` declares anew.
        return [a for a in served if "topology" in a.properties]
