"""A Pulumi project whose program declares our infrastructure, by the real engine, provider and emulator."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.lifecycle import ROOT, Lab

PROGRAM = "from tests.support.aws.program import run\n\nrun()\n"


@dataclass
class AwsLab(Lab):
    """``environment``: by which the provider finds the emulator."""

    package: str = "aws"
    plugin: Path = ROOT / "tests/support/awsprovider"
    environment: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Write the project, with our program in the place of the lab's."""
        super().__post_init__()
        (self.folder / "__main__.py").write_text(PROGRAM)

    def declare_stack(self, stack: Mapping[str, Any]) -> None:
        """Say what stack the program declares from now on."""
        (self.folder / "stack.json").write_text(json.dumps(stack))

    def quiet(self) -> None:
        """Fail unless an ``up``, which looks at everything first, finds nothing to do: a look takes its minute here."""
        assert self.up("--expect-no-changes").changes == {}

    def _environment(self) -> dict[str, str]:
        return {**super()._environment(), **self.environment, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
