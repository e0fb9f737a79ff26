"""A service as supervisord's configuration: rendered, never parsed."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from groundplan.errors import ServiceError
from groundplan.local.folder import Folder
from groundplan.local.processes import SERVICE, clean_environment

NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")
SIGNALS = ("TERM", "INT", "QUIT", "HUP")
#: What supervisord's configuration cannot carry: quotes end a value, `` ;`` and `` #`` begin a comment.
UNFIT = re.compile(r"""["'\n\r]| [;#]""")


@dataclass(frozen=True)
class Program:
    """What one service runs and how it is watched."""

    folder: Folder
    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    ports: Mapping[str, int]
    health: Mapping[str, Any]
    setup: tuple[tuple[str, ...], ...] = ()
    scratch: tuple[str, ...] = ()
    stop_seconds: int = 10
    stop_signal: str = "TERM"
    timeout: float = field(default=60.0)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Program":
        """From the inputs or the state of a ``groundplan:local:Service``."""
        return cls(
            folder=Folder.of(dict(values)),
            name=str(values["name"]),
            command=tuple(str(word) for word in values["command"]),
            environment={key: str(value) for key, value in (values.get("environment") or {}).items()},
            ports={name: int(port) for name, port in (values.get("ports") or {}).items()},
            health=values["health"],
            setup=tuple(tuple(str(word) for word in line) for line in values.get("setup") or ()),
            scratch=tuple(str(path) for path in values.get("scratch") or ()),
            stop_seconds=int(values.get("stop_seconds") or 10),
            stop_signal=str(values.get("stop_signal") or "TERM"),
            timeout=float(values["health"].get("timeout") or 60),
        )

    def full_environment(self) -> dict[str, str]:
        """What its health command and its setup run with."""
        return {**clean_environment(), **self.environment}

    def render(self) -> str:
        """Return the ``[program:…]`` section. It does not start by itself: after a reboot the order matters."""
        marked = {**self.environment, SERVICE: self.name}
        lines = {
            "command": shlex.join(_fit(self.name, word) for word in self.command),
            "directory": _fit(self.name, str(self.folder.root)),
            "environment": ",".join(f'{key}="{_fit(self.name, value)}"' for key, value in sorted(marked.items())),
            "autostart": "false",
            "autorestart": "true",
            "startsecs": "1",
            "startretries": "20",
            "stopsignal": self.stop_signal,
            "stopwaitsecs": str(self.stop_seconds),
            "stopasgroup": "true",
            "killasgroup": "true",
            "redirect_stderr": "true",
            "stdout_logfile": str(self.folder.log(self.name)),
            "stdout_logfile_maxbytes": "10MB",
            "stdout_logfile_backups": "3",
        }
        return f"[program:{self.name}]\n" + "".join(f"{key}={_escape(text)}\n" for key, text in lines.items())


def _fit(service: str, text: str) -> str:
    if UNFIT.search(text):
        raise ServiceError(
            f"{service}: a quote, a line break, ` ;` or ` #` cannot be passed to a service; got {text!r}"
        )
    return text


def _escape(text: str) -> str:
    """supervisord expands ``%(name)s`` in every value."""
    return text.replace("%", "%%")
