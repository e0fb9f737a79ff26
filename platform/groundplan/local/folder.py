"""Where everything lies in a stack's data folder, and whose folder it is."""

import hashlib
import json
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from filelock import FileLock

from groundplan.errors import Refused, ServiceError

OWNER = ".groundplan-owner"
#: Unix sockets' paths end at 107 bytes; supervisord appends its pid to it while it starts.
LONGEST_SOCKET = 90
ELSEWHERE = "fix: choose another `local.data_dir` in stacks/"


@dataclass(frozen=True)
class Owner:
    """Whose data folder it is: the stack's id, its name, and the checkout it was deployed from."""

    stack_id: str
    stack: str
    root: str


@dataclass(frozen=True)
class Folder:
    """Paths of one data folder. ``root`` is absolute and resolved."""

    root: Path
    stack_id: str

    @classmethod
    def of(cls, values: dict[str, str]) -> "Folder":
        """From the inputs or the state of a resource (``folder``, ``stack_id``)."""
        return cls(Path(values["folder"]).resolve(), values["stack_id"])

    @cached_property
    def secrets(self) -> Path:
        """One 0600 file a secret."""
        return self.root / "secrets"

    @cached_property
    def logs(self) -> Path:
        """One log a service."""
        return self.root / "logs"

    @cached_property
    def code(self) -> Path:
        """Copies of the code that services run, by digest."""
        return self.root / "code"

    @cached_property
    def supervisor(self) -> Path:
        """The supervisor's configuration, pid and lock."""
        return self.root / "supervisor"

    @cached_property
    def programs(self) -> Path:
        """One configuration file a service."""
        return self.supervisor / "conf.d"

    @cached_property
    def runtime(self) -> Path:
        """How services find each other (docs/contracts.md)."""
        return self.root / "runtime.json"

    @cached_property
    def socket(self) -> Path:
        """The supervisor's control socket: in the folder, or where its path is too long for one, in :attr:`short`."""
        near = self.supervisor / "control.sock"
        return near if len(os.fsencode(near)) <= LONGEST_SOCKET else self.short / "control.sock"

    @cached_property
    def short(self) -> Path:
        """A folder with a short path, for sockets. Made by :func:`private`, removed with the runtime's files."""
        return short_folder(self.stack_id)

    def program(self, name: str) -> Path:
        """The configuration of one service."""
        return self.programs / f"{name}.conf"

    def log(self, name: str) -> Path:
        """The log of one service."""
        return self.logs / f"{name}.log"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Alone in this folder, among threads and processes."""
        private(self.supervisor)
        with FileLock(self.supervisor / "lock", timeout=120):
            yield

    def owner(self) -> Owner | None:
        """Whose it is, or ``None`` when the folder has no (whole) owner file."""
        try:
            content = json.loads((self.root / OWNER).read_text())
            return Owner(str(content["stack_id"]), str(content["stack"]), str(content["root"]))
        except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError):
            return None

    def mine(self) -> bool:
        """Whether the folder is there and belongs to this stack."""
        owner = self.owner()
        return owner is not None and owner.stack_id == self.stack_id

    def claim(self, owner: Owner) -> None:
        """Make the folder (0700) and write whose it is, or adopt one that is already ours.

        Raises:
            Refused: it is another stack's, another user's, or holds files of something else.
        """
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.root.stat().st_uid != os.geteuid():
            raise Refused(f"{self.root} belongs to another user; {ELSEWHERE}")
        if self.owner() is not None:
            return self.verify()
        if any(path.name != OWNER for path in self.root.iterdir()):
            raise Refused(f"{self.root} holds files and is no data folder of Groundplan; {ELSEWHERE}")
        self.root.chmod(0o700)
        write_private(self.root / OWNER, json.dumps(owner.__dict__, indent=2) + "\n")

    def verify(self) -> None:
        """Raise :class:`Refused` unless the folder belongs to this stack; :class:`ServiceError` when it is gone."""
        owner = self.owner()
        if owner is None:
            raise ServiceError(f"{self.root} is no data folder (no {OWNER}); fix: `groundplan up` makes it again")
        if owner.stack_id != self.stack_id:
            raise Refused(
                f"{self.root} belongs to stack {owner.stack} of {owner.root}; {ELSEWHERE}, or `groundplan down` there"
            )


def short_folder(stack_id: str) -> Path:
    """Return the stack's own folder with a short path, for what needs Unix sockets. Not made here."""
    digest = hashlib.sha256(stack_id.encode()).hexdigest()[:8]
    return Path(f"/tmp/groundplan-{os.geteuid()}-{digest}")  # noqa: S108  (0700 and checked: `private`)


def private(folder: Path) -> Path:
    """Make a 0700 folder, or take it when it is one of ours; raise :class:`Refused` when it is not."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise Refused(f"{folder} is not a folder of this user; fix: remove it")
    if stat.S_IMODE(found.st_mode) != 0o700:
        folder.chmod(0o700)
    return folder


def write_private(path: Path, text: str) -> None:
    """Write a 0600 file whole or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
