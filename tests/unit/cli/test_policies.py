"""When the policy pack runs, and with which settings."""

import json
from pathlib import Path

import pytest
import yaml

from groundplan.cli._checkout import Checkout
from groundplan.cli._policies import configuration, pack_of, prepare
from groundplan.errors import GroundplanError
from groundplan.spec import StackSpec

ROOT = Path(__file__).resolve().parents[3]


def stack(target: str = "kind", **fields: object) -> StackSpec:
    return StackSpec.model_validate({"name": "x", "target": target, **fields})


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    for name in ("policies", "images", "platform", "serving", "pyproject.toml", "uv.lock"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / ".groundplan").mkdir()
    return Checkout(tmp_path, "x")


@pytest.mark.parametrize(
    ("target", "asked", "runs"),
    [("local", None, False), ("local", True, True), ("kind", None, True), ("kind", False, False)],
)
def test_it_runs_where_others_share_the_place_or_where_it_is_asked_for(
    checkout: Checkout, target: str, asked: bool | None, runs: bool
) -> None:
    assert (pack_of(checkout, stack(target), asked) is not None) == runs


def test_the_copy_is_whole_and_started_by_us(checkout: Checkout) -> None:
    pack = prepare(checkout, stack())
    folder = Path(pack.arguments[1])
    assert yaml.safe_load((folder / "PulumiPolicy.yaml").read_text())["runtime"] == "groundplan"
    assert {p.name for p in (ROOT / "policies").glob("*.py")} == {p.name for p in folder.glob("*.py")}
    assert (pack.programs / "pulumi-analyzer-policy-groundplan").stat().st_mode & 0o111
    assert pack.path("/bin").startswith(f"{pack.programs}:")
    assert json.loads(Path(pack.arguments[3]).read_text()) == configuration(stack())


def test_a_checkout_without_its_pack_is_told(tmp_path: Path) -> None:
    with pytest.raises(GroundplanError, match=r"PulumiPolicy.yaml: missing.*fix: restore it from git"):
        prepare(Checkout(tmp_path, "x"), stack())


def test_rules_get_what_the_stack_declares() -> None:
    declared = stack(
        admission={"mode": "warn", "registries": ("registry.example.org/ml",)},
        cluster={"namespace": "ml", "namespace_prefix": "acme-"},
    )
    assert configuration(declared, ("a:1",)) == {
        "all": "advisory",
        "foreign-registry": {"registries": ["localhost/groundplan", "registry.example.org/ml"], "images": ["a:1"]},
        "unpinned-image": {"images": ["a:1"]},
        "own-door": {"platform": "acme-ml"},
    }
    assert "all" not in configuration(stack())
