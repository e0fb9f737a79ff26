"""Brings applications back after Ray was restarted: Serve forgets them, we do not."""

import threading

import structlog

from groundplan.controlplane import service, store
from groundplan.controlplane.context import Platform
from groundplan.controlplane.problem import as_parts
from groundplan.controlplane.store import Actor, Resource

log = structlog.get_logger()

#: Seconds between two looks at Ray.
PERIOD = 3.0
ACTOR = Actor("controlplane", "Ray was restarted")


class Restorer:
    """Watches Ray's session; when it is another one, deploys every application that Serve has lost."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._session: str | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="restorer", daemon=True)
        #: Set once the first look has been taken: what was served before is served again, or cannot be now.
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
            try:
                self._look()
            except Exception as error:  # a database that restarts, Ray that does not answer: the watch goes on
                log.warning("applications are not restored yet", error=as_parts(error)["what"])
            self._stopped.wait(PERIOD)

    def _look(self) -> None:
        lost = self._applications()
        if not lost:
            self.restored.set()
            return
        session = self._platform.jobs.session()
        if session == self._session:
            return
        for application in lost:
            if self._platform.serve.observe(f"{application.project}-{application.name}") is None:
                log.info("restoring an application", application=application.id)
                service.declare(self._platform, application, ACTOR, force=True)
        self._session = session
        self.restored.set()

    def _applications(self) -> list[Resource]:
        with self._platform.engine.connect() as connection:
            return [a for a in store.every(connection, kind="serving_application") if a.outputs.get("serves")]
