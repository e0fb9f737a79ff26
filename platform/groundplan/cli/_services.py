"""The services of a data folder: those that it holds, and what their supervisor says of them."""

from pathlib import Path
from typing import Any

from groundplan.local.folder import Folder
from groundplan.local.supervisor import Supervisor


def services(data: Path, stack_id: str) -> list[dict[str, Any]]:
    """One entry a service, by name: ``up``, ``state``, ``pid``, ``log``. Those that nothing runs are listed as down."""
    folder = Folder(data.resolve(), stack_id)
    running = {found.name: found for found in Supervisor(folder).all()}
    names = {path.stem for path in folder.programs.glob("*.conf")} | running.keys()
    return [
        {
            "name": name,
            "up": name in running and running[name].up,
            "state": running[name].state.lower() if name in running else "down",
            "pid": running[name].pid or None if name in running else None,
            "log": str(folder.log(name)),
        }
        for name in sorted(names)
    ]
