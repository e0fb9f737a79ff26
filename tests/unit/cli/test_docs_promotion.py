"""docs/promotion.md: its YAML is a valid declaration, its commands run, its table is complete."""

import re
import shlex
from pathlib import Path

from groundplan.compose import load
from groundplan.plan import build_plan
from groundplan.spec import gate_words
from tests.unit.cli.conftest import Desk
from tests.unit.cli.test_promoting import Control, control  # noqa: F401 - a fixture

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "promotion.md").read_text()
TRAINING = "projects/shop/training/spend.yaml"


def blocks(language: str) -> list[str]:
    """The page's code in one language."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


def test_the_declaration_is_valid_and_holds_every_gate(desk: Desk) -> None:
    (declared,) = blocks("yaml")
    declared = declared.replace("{origin: JFK, carrier: AA}", "{customer: ann}")
    text = (desk.files.root / TRAINING).read_text()
    indented = "".join(f"  {line}" for line in declared.splitlines(keepends=True))
    desk.files.write(TRAINING, text[: text.index("  aliases:")] + indented)
    plan = build_plan(*load(desk.files.root, "local"))
    gates = [gate for node in plan.nodes if node.kind == "Alias" for gate in node.properties.get("gates", ())]
    assert [gate_words(gate) for gate in gates] == [
        "mae below 20",
        "r2 above 0.05",
        "mae better than baseline",
        "mae better than production on the same data by 0.1",
        "1 sample request answered between -120 and 2880",
        "an approval by ann or ben or cat",
    ]


def test_the_commands_run(desk: Desk, control: Control) -> None:  # noqa: F811
    lines = [line for block in blocks("bash") for line in block.splitlines()]
    assert len(lines) == 7
    for line in lines:
        program, *arguments = shlex.split(line.replace("flights/delay", "shop/spend"))
        assert program == "groundplan"
        said = desk.command(*arguments)
        assert said.code == 0, (line, said.err)
