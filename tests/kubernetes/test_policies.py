"""The pack under the real engine: what the API server would refuse, a preview refuses, with no cluster to ask."""

import os
import re
from pathlib import Path
from typing import Any

import pytest

from groundplan.cli._checkout import Checkout
from groundplan.cli._policies import Pack, prepare
from groundplan.spec import StackSpec
from tests.support.kube.lab import declared, kube_lab
from tests.support.lifecycle import ROOT, Lab, Result
from tests.unit.rules.samples import BAD, REGISTRY, template, wrap


def pack(folder: Path, mode: str) -> Pack:
    """This checkout's pack with a stack's settings, ready in a folder of the test's."""
    (folder / ".groundplan").mkdir(parents=True)
    (folder / "policies").symlink_to(ROOT / "policies")
    stack = StackSpec.model_validate(
        {"name": "kind", "target": "kind", "admission": {"mode": mode, "registries": (REGISTRY,)}}
    )
    return prepare(Checkout(folder, "kind"), stack)


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """A program whose cluster does not exist."""
    return kube_lab(tmp_path / "lab", tmp_path / "no-kubeconfig")


def deployment(name: str, rule: str | None = None) -> dict[str, Any]:
    """A Deployment that is in order, or breaks one rule."""
    pod = template()
    if rule:
        BAD[rule][0](pod)
    thing = wrap("Deployment", pod)
    thing["apiVersion"] = "apps/v1"
    thing["metadata"] = {"name": name, "namespace": "flights"}
    return thing


def judged(lab: Lab, pack: Pack, monkeypatch: pytest.MonkeyPatch, *things: dict[str, Any]) -> Result:
    """What a preview says of some objects."""
    lab.declare(*(declared(thing) for thing in things))
    monkeypatch.setenv("PATH", pack.path(os.environ["PATH"]))
    return lab.preview(*pack.arguments, ok=False)


def test_a_preview_without_a_cluster_refuses_what_breaks_a_rule(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = [deployment(rule, rule) for rule in BAD]
    result = judged(lab, pack(tmp_path / "pack", "enforce"), monkeypatch, *broken)
    assert result.code != 0
    told = set(re.findall(r"\[mandatory\]\s+([a-z-]+)", result.text))
    assert told == set(BAD), result.text


def test_what_is_in_order_passes(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = judged(lab, pack(tmp_path / "pack", "enforce"), monkeypatch, deployment("fine"))
    assert result.code == 0, result.text
    assert "mandatory" not in result.text


def test_where_admission_warns_so_does_the_pack(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = judged(lab, pack(tmp_path / "pack", "warn"), monkeypatch, deployment("loose", "missing-limits"))
    assert result.code == 0, result.text
    assert "[advisory]" in result.text
    assert "missing-limits" in result.text
