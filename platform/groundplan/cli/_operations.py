"""Following an operation of the control plane to its end, and what a Ctrl-C then says."""

from typing import Any
from urllib.parse import quote

import typer

from groundplan.cli._console import say
from groundplan.cli._engine import INTERRUPTED
from groundplan.cli._platform import Platform
from groundplan.errors import ServiceError
from groundplan.provider.rest import explain

#: Seconds that one long poll may last.
POLL_SECONDS = 10


def follow(platform: Platform, operation: str) -> dict[str, Any]:
    """Show an operation's progress until it ends; return its resource. ServiceError when it failed."""
    seen = 0
    while True:
        answer = platform.get(f"/operations/{quote(operation, safe=':@')}?after={seen}&wait={POLL_SECONDS}")
        for message in answer["messages"]:
            say(message["text"])
            seen = max(seen, message["seq"])
        if answer["status"] == "succeeded":
            return dict(answer["resource"])
        if answer["status"] != "running":
            raise ServiceError(f"{answer['status']}: {explain(answer['error'])}")


def follow_or_leave(platform: Platform, operation: str, join: str) -> dict[str, Any]:
    """The same; Ctrl-C stops waiting, not the work: ``join`` says how to see to it again."""
    try:
        return follow(platform, operation)
    except KeyboardInterrupt:
        say(f"interrupted: the work goes on; {join}")
        raise typer.Exit(INTERRUPTED) from None
