"""Brings what is in the outbox to where lineage is kept: our own tables, and a Marquez where the stack declares one.

The work that an event tells of waits for neither. What cannot be delivered now is tried again, in its order; a crash
at any point costs nothing: what is delivered twice says the same.
"""

import io
import threading
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import sqlalchemy as sa
import structlog

from groundplan.controlplane import store
from groundplan.controlplane.context import Platform
from groundplan.controlplane.lineage import outbox, written
from groundplan.controlplane.lineage.events import Told, documents
from groundplan.controlplane.lineage.ingest import ingest
from groundplan.controlplane.lineage.naming import namespace_of
from groundplan.controlplane.problem import as_parts
from groundplan.errors import ServiceError
from groundplan.lineage import Declared, Known

log = structlog.get_logger()

#: Seconds between two looks into the outbox, and the longest wait after a failure.
PERIOD, LONGEST = 0.5, 30.0
#: Events that are stored in one transaction.
BATCH = 50
#: Seconds that a declared Marquez may take for one event.
PATIENCE = 10.0
#: Answers that mean "not now" or "not you", rather than "never": the event is tried again.
LATER = frozenset({401, 403, 404, 408, 425, 429})


class Delivery:
    """Two threads of the control plane: one stores, one sends."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._stopped = threading.Event()
        self._texts: dict[tuple[str, str, str], str | None] = {}
        target = platform.runtime.endpoints.get("lineage")
        tasks = [self.store, *([self._sender(target)] if target else [])]
        self._threads = [
            threading.Thread(target=self._repeat, args=(task,), name="lineage", daemon=True) for task in tasks
        ]

    def start(self) -> None:
        """Begin to deliver."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop; what is not delivered is so after the next start."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(timeout=PATIENCE)

    def _repeat(self, task: Callable[[], bool]) -> None:
        """Do a task again and again: at once while there is more to do, later and later while it fails."""
        wait = PERIOD
        while not self._stopped.is_set():
            try:
                more = task()
                wait = PERIOD
            except Exception as error:  # a database that restarts, a target that is down: delivery goes on after it
                log.warning("lineage waits", error=as_parts(error)["what"], again_in=wait)
                more, wait = False, min(wait * 2, LONGEST)
            if not more:
                self._stopped.wait(wait)

    def store(self) -> bool:
        """Store what is oldest; return whether there may be more."""
        with self._platform.engine.begin() as connection:
            if not outbox.mine(connection, outbox.STORING):
                return False
            rows = outbox.to_store(connection, BATCH)
            for row in rows:
                self._store(connection, row)
        return len(rows) == BATCH

    def _store(self, connection: sa.Connection, row: Mapping[str, Any]) -> None:
        try:
            with connection.begin_nested():
                made = documents(self._told(connection, row))
                for document in made:
                    ingest(connection, document)
                if row["kind"] == "project" and row["after"]:
                    self._own(connection, row)
        except (KeyError, TypeError, ValueError, sa.exc.DataError) as error:
            # An event of another release's shape: those after it must not wait for it. It stays in the outbox.
            log.error("an event cannot be told as lineage", lineage_event=row["seq"], exc_info=error)
            outbox.stored(connection, row["seq"], [], f"{type(error).__name__}: {as_parts(error)['what']}")
            return
        outbox.stored(connection, row["seq"], made)

    def _own(self, connection: sa.Connection, row: Mapping[str, Any]) -> None:
        given = row["after"]["properties"]
        name = namespace_of(self._platform.runtime.stack, row["project"])
        written.namespace(connection, name, str(given["team"]), given.get("description"))

    def _told(self, connection: sa.Connection, row: Mapping[str, Any]) -> Told:
        """Return an event with what is declared around it: as it was itself, the rest as it is now."""
        own = row["after"] or row["before"] or {}
        found = [Declared(r.project, r.kind, r.name, r.properties) for r in store.every(connection, row["project"])]
        if "properties" in own:
            found.append(Declared(row["project"], row["kind"], row["name"], own["properties"]))
        codes = {r.project: r.outputs.get("code_digest") for r in store.every(connection, row["project"], "project")}
        known = Known(found, lambda project, path: self._text(project, path, codes.get(project)))
        return Told(row, known, self._platform.runtime.stack, self._platform.runtime.stack_id)

    def _text(self, project: str, path: str, code: str | None) -> str | None:
        """Return a file of a project's code, None where it is not there."""
        if code is None:
            return None
        key = (project, path, code)
        if key not in self._texts:
            if len(self._texts) > 1000:  # files of a few kilobytes, kept for the events that come together
                self._texts.clear()
            self._texts[key] = self._read(project, path, code)
        return self._texts[key]

    def _read(self, project: str, path: str, code: str) -> str | None:
        bucket = self._platform.runtime.bucket
        try:
            packed = self._platform.objects.get(f"s3://{bucket}/code/{project}/{code}.zip")
            return zipfile.ZipFile(io.BytesIO(packed)).read(path).decode()
        except (KeyError, UnicodeDecodeError, zipfile.BadZipFile):
            return None

    def _sender(self, target: str) -> Callable[[], bool]:
        client = httpx.Client(base_url=target, timeout=PATIENCE)
        return lambda: self.send(client)

    def send(self, client: httpx.Client) -> bool:
        """Send what is oldest to the declared Marquez; return whether there may be more. Raises while it is down."""
        with self._platform.engine.begin() as connection:
            if not outbox.mine(connection, outbox.SENDING):
                return False
            row = outbox.to_send(connection)
            if row is None:
                return False
            failed, problem = _send_all(client, row["documents"] or [])
            if failed:
                outbox.not_sent(connection, row["event"], str(problem))
            else:
                outbox.sent(connection, row["event"], problem)
        if failed:
            raise ServiceError(str(problem))
        return True


def _send_all(client: httpx.Client, events: list[Mapping[str, Any]]) -> tuple[bool, str | None]:
    """Send an event's documents; return whether it has to be tried again, and what went wrong."""
    refused = None
    for event in events:
        try:
            answer = client.post("/api/v1/lineage", json=event)
        except httpx.TransportError as error:
            return True, f"{client.base_url} does not answer: {type(error).__name__}: {error}"
        told = f"{client.base_url} answered {answer.status_code}: {' '.join(answer.text.split())[:200]}"
        if answer.status_code in LATER or answer.status_code >= 500:
            return True, told
        if answer.is_error:
            log.error("the declared Marquez refused an event", answer=told, run=event["run"]["runId"])
            refused = told
    return False, refused
