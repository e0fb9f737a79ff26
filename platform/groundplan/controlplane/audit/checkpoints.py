"""Checkpoints: how far the chain was, and with which hash, kept where the database's rights do not reach.

One object each in a bucket of its own that keeps every version (docs/audit.md says how far that goes); its name says
all, so that a list of the names is all there is to read. Who rewrites the whole chain in the database, hashes and all,
cannot rewrite these: the look at the trail compares them.
"""

import json
import threading
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import structlog

from groundplan.controlplane.audit import chain
from groundplan.controlplane.context import Platform
from groundplan.controlplane.problem import as_parts

log = structlog.get_logger()

#: Seconds between two looks at the chain's head: what is newer than that can be cut off unseen.
PERIOD = 5.0
FOLDER = "audit/checkpoints/"


@dataclass(frozen=True)
class Checkpoint:
    """The chain as it was at an instant: the newest event's number and hash."""

    seq: int
    hash: str
    at: str


class Checkpoints:
    """Writes a checkpoint whenever the chain has grown, and reads them."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._written = 0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="checkpoints", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self) -> None:
        """Write the last one and stop."""
        self._stopped.set()
        self._thread.join(timeout=2 * PERIOD)

    def _watch(self) -> None:
        while not self._stopped.wait(PERIOD):
            self._try()
        self._try()

    def _try(self) -> None:
        try:
            write(self._platform, after=self._written)
        except Exception as error:  # the object store or the database restarts: the next look writes it
            log.warning("no checkpoint of the audit trail yet", error=as_parts(error)["what"])
        else:
            with self._platform.engine.connect() as connection:
                self._written = chain.head(connection)[0]


def write(platform: Platform, after: int = 0) -> Checkpoint | None:
    """Write a checkpoint of the chain's head, unless it is event ``after``; one that is there is never replaced."""
    with platform.engine.connect() as connection:
        seq, own = chain.head(connection)
    if seq <= after:
        return None
    made = Checkpoint(seq, own, datetime.now(UTC).isoformat(timespec="seconds"))
    platform.objects.keep(f"{FOLDER}{seq:020}-{own}.json", json.dumps(asdict(made)).encode())
    return made


def read(platform: Platform) -> list[Checkpoint]:
    """Return the checkpoints, oldest first; of two of one event the one that was written first."""
    found: dict[int, Checkpoint] = {}
    for key, at in sorted(platform.objects.kept(FOLDER), key=lambda each: each[1]):
        seq, _, own = key.removeprefix(FOLDER).removesuffix(".json").partition("-")
        found.setdefault(int(seq), Checkpoint(int(seq), own, at.isoformat(timespec="seconds")))
    return [found[seq] for seq in sorted(found)]
