"""The life of every ML resource type under the real engine, against a stand-in for the control plane."""

import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.support.fake_controlplane import TOKEN, FakeControlPlane, fake_controlplane
from tests.support.lifecycle import Declared, Lab, live

from groundplan.provider.table import KINDS, Prop

SAMPLES: dict[str, Any] = {
    "text": "some text", "integer": 3, "number": 0.5, "flag": True, "texts": ["a", "b"],
    "list": [{"metric": "mae", "below": 20.0}],
    "map": {"nested": {"deep": 1}, "flights/entity/x": "d1"}, "any": {"x": 1},
}  # fmt: skip


def sample(kind: str, /, **properties: Any) -> Declared:
    """One resource of a kind with every property given."""
    inputs: dict[str, Prop] = {k: p for k, p in KINDS[kind].inputs.items() if k != "version"}
    values = {**{k: SAMPLES[p.type] for k, p in inputs.items()}, "project": "p", "name": "it", **properties}
    own = {"Project": {"code": {}}, "Alias": {"source": {"stack": "staging"}}}.get(kind, {})
    return Declared(KINDS[kind].token, kind, {**values, **own})


@pytest.fixture
def plane() -> Iterator[FakeControlPlane]:
    with fake_controlplane() as fake:
        yield fake


@pytest.fixture
def lab(plane: FakeControlPlane, tmp_path: Path) -> Lab:
    (tmp_path / "token").write_text(TOKEN)
    config = {"stack_id": "test", "endpoint": plane.url, "token_file": str(tmp_path / "token")}
    return Lab(tmp_path / "lab", config)


def test_every_type_lives(plane: FakeControlPlane, lab: Lab) -> None:
    """Each kind once; by hand: a value, a nested one, a list, a status, and one deleted."""

    def drift() -> None:
        real = plane.resources
        real["p/feature_view/it"]["properties"]["ttl"] = "99h"
        real["p/model/it"]["properties"]["validation"] = {"nested": {"deep": 2}, "flights/entity/x": "d1"}
        real["p/alias/it"]["properties"]["gates"] = []
        real["p/materialization/it"].update(status="drifted", message="the online store is empty")
        del real["p/serving_application/it"]

    plane.outputs["model"] = {"version": 7, "metrics": {"mae": 12.5}}
    live(
        lab,
        [sample(kind) for kind in KINDS],
        drift,
        drifted={
            "FeatureView": ("ttl",),
            "Model": ("validation.nested.deep",),
            "Alias": ("gates[0]",),
            "Materialization": ("status",),
            "ServingApplication": (),
        },
    )
    assert plane.resources == {}


def test_an_edit_is_an_update_in_place_and_only_of_what_was_edited(plane: FakeControlPlane, lab: Lab) -> None:
    lab.declare(sample("Entity"), sample("Model", digest="d1"))
    lab.up()
    lab.declare(sample("Entity"), sample("Model", digest="d2", kind="linear", hyperparameters={"depth": 4}))
    seen = lab.preview()
    assert seen.changes == {"Model": "update"}
    old = {"hyperparameters.nested", 'hyperparameters["flights/entity/x"]'}
    assert set(seen.paths("Model")) == {"digest", "kind", "hyperparameters.depth", *old}
    plane.puts.clear()
    assert lab.up().changes == {"Model": "update"}
    assert plane.puts == ["p/model/it"]
    lab.quiet()


def test_bad_input_stops_the_preview_in_one_line(lab: Lab) -> None:
    lab.declare(sample("Entity", join_key=7))
    seen = lab.preview(ok=False)
    assert seen.code != 0
    assert "got 7; allowed: text" in seen.text
    assert "Traceback" not in seen.text


def test_without_a_control_plane_preview_works_and_says_what_it_could_not_see(
    plane: FakeControlPlane, lab: Lab
) -> None:
    lab.declare(sample("Entity", digest="d1"))
    lab.up()
    lab.config["endpoint"] = "http://127.0.0.1:9"
    lab.declare(sample("Entity", digest="d1"))
    lab.up("--refresh=false")
    lab.declare(sample("Entity", digest="d2"))
    seen = lab.preview()
    assert seen.changes == {"Entity": "update"}
    assert "could not look at Entity" in seen.text


def test_a_refused_alias_is_quiet_afterwards_and_refused_gates_are_not(plane: FakeControlPlane, lab: Lab) -> None:
    lab.declare(sample("Alias"), sample("Gates"))
    plane.outcomes = {"p/alias/it": ("refused", "mae 20.1"), "p/gates/it": ("refused", "it: mae 20.1 is too much")}
    failed = lab.up(ok=False)
    assert failed.code != 0
    assert "it: mae 20.1 is too much" in failed.text
    seen = lab.preview()
    assert list(seen.changes) == ["Gates"]
    plane.resources["p/gates/it"]["status"] = "ready"
    lab.up()
    lab.quiet()


def test_interrupted_the_training_goes_on_and_the_next_up_joins_it(plane: FakeControlPlane, lab: Lab) -> None:
    plane.slow["model"] = ["fold 1 of 3"]
    plane.hold.set()
    lab.declare(sample("Model"))
    engine = lab.start("up", "--yes", "--skip-preview")
    said = _interrupt_when(engine, lambda: bool(plane.operations))
    assert "the run goes on" in said, said
    assert list(plane.operations) == ["model:p:it:some text"]
    plane.hold.clear()
    assert "create" in lab.up().changes.values()
    assert len(plane.operations) == 1
    lab.quiet()


def test_killed_the_next_up_finishes_the_work_and_no_provider_is_left(plane: FakeControlPlane, lab: Lab) -> None:
    plane.slow["model"] = []
    plane.hold.set()
    lab.declare(sample("Entity"), sample("Model"))
    engine = lab.start("up", "--yes", "--skip-preview")
    assert _eventually(lambda: bool(plane.operations) and len(lab.state()) == 1)  # the entity is written down
    helpers = psutil.Process(engine.pid).children(recursive=True)
    providers = [each for each in helpers if "groundplan.provider" in each.cmdline()]
    engine.kill()
    engine.communicate(timeout=30)
    try:
        assert providers
        assert psutil.wait_procs(providers, timeout=30)[1] == []
    finally:
        for each in helpers:
            if each.is_running():
                each.kill()
    # What the engine leaves on disk, `groundplan up` removes; here the lab does.
    for lock in (lab.folder / "state/.pulumi/locks").rglob("*.json*"):
        lock.unlink()
    plane.hold.clear()
    assert lab.up().changes == {"Model": "create"}
    assert len(plane.operations) == 1
    lab.quiet()


def _interrupt_when(engine: Any, begun: Any) -> str:
    """Press Ctrl-C once the work has begun; return all that the engine said."""
    timer = threading.Thread(target=_press, args=(engine, begun))
    timer.start()
    said, _ = engine.communicate(timeout=60)
    timer.join()
    return str(said)


def _press(engine: Any, begun: Any) -> None:
    _eventually(begun)
    engine.send_signal(signal.SIGINT)


def _eventually(true: Any) -> bool:
    """Poll for half a minute."""
    end = time.monotonic() + 30
    while not true() and time.monotonic() < end:
        time.sleep(0.1)
    return bool(true())
