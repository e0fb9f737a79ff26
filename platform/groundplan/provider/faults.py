"""Errors as one line for the user; what only we can use goes to a log file."""

import os
import traceback
from datetime import UTC, datetime
from pathlib import Path

from groundplan.errors import GroundplanError
from groundplan.provider.handler import Unreachable


def log_file() -> Path:
    """The provider's own log: ``.groundplan/logs/provider.log`` of the checkout that the plugin lies in."""
    return Path(os.environ.get("GROUNDPLAN_ROOT", Path.cwd())) / ".groundplan" / "logs" / "provider.log"


def record(text: str) -> None:
    """Append one entry to the provider's log."""
    path = log_file()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "a") as file:
        file.write(f"{datetime.now(UTC).isoformat(timespec='seconds')} {text.rstrip()}\n")


def told(error: BaseException) -> str:
    """Return what to tell the user, without a traceback. One that is not ours is recorded, and its place named.

    An error of ours may bring more lines than its first: the end of a log that it speaks of.
    """
    if isinstance(error, GroundplanError | Unreachable):
        return str(error).strip()
    record("".join(traceback.format_exception(error)))
    text = " ".join(str(error).split()) or "no message"
    return f"internal error: {type(error).__name__}: {text}; details in {log_file()}"
