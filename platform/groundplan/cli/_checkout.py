"""The checkout that a command works on: its root, its stacks, and where a stack keeps what."""

import re
from dataclasses import dataclass
from pathlib import Path

from groundplan.errors import GroundplanError

#: The name in ``Pulumi.yaml``: the file backend keeps states under it, and configuration keys begin with it.
PROJECT = "groundplan"


@dataclass(frozen=True)
class Checkout:
    """One environment (``stacks/<env>.yaml``) of one checkout, and the files that its deployment keeps."""

    root: Path
    env: str

    @property
    def own(self) -> Path:
        """Folder that is ours in the checkout; not under version control."""
        return self.root / ".groundplan"

    @property
    def backend(self) -> Path:
        """Folder of Pulumi's file backend."""
        return self.own / "state"

    @property
    def passphrase(self) -> Path:
        """File with the passphrase that encrypts secrets in the state."""
        return self.own / "passphrase"

    @property
    def settings(self) -> Path:
        """Pulumi's own settings of the stack: its id and the salt of its secrets."""
        return self.root / "stacks" / f"Pulumi.{self.env}.yaml"

    @property
    def state(self) -> Path:
        """The state that the file backend keeps for the stack."""
        return self.backend / ".pulumi" / "stacks" / PROJECT / f"{self.env}.json"


def open_checkout(env: str, start: Path | None = None) -> Checkout:
    """The checkout around ``start`` (default: the current folder); one clear line when there is none of that name."""
    root = find_root(start or Path.cwd())
    known = environments(root)
    if env not in known:
        allowed = ", ".join(known) or "none yet"
        raise GroundplanError(f"no environment {env!r}: stacks/{env}.yaml is missing; there is: {allowed}")
    return Checkout(root, env)


def find_root(start: Path) -> Path:
    """Nearest folder at or above ``start`` with a ``Pulumi.yaml`` and ``stacks/``."""
    for folder in (start.absolute(), *start.absolute().parents):
        if (folder / "Pulumi.yaml").exists() and (folder / "stacks").is_dir():
            return folder
    raise GroundplanError(f"{start}: not in a Groundplan checkout; fix: cd to the folder that holds Pulumi.yaml")


def environments(root: Path) -> list[str]:
    """Names of all environments: the files in ``stacks/`` but Pulumi's own."""
    names = (path.stem for path in (root / "stacks").glob("*.yaml") if not path.name.startswith("Pulumi."))
    return sorted(name for name in names if re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name))
