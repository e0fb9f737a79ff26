"""Applications as the control plane runs them: flips of several aliases, blue-green, one process, kept warm."""

import time

import pytest

from groundplan.controlplane.kinds import serving
from tests.runtime.controlplane.conftest import DEADLINE, Plane, application
from tests.runtime.controlplane.test_api import alias, model, project  # noqa: F401 - a fixture


@pytest.fixture(scope="module")
def trained(project: Plane) -> Plane:  # noqa: F811
    """Model ``s`` with three pair versions; production at 1, staging nowhere."""
    for trees in (3, 4, 5):
        project.made("model", "s", model(trees))
    project.made("alias", "s@production", {**alias("production"), "model": "s", "version": 1, "follow": None})
    return project


def move(plane: Plane, name: str, version: int) -> None:
    """Move an alias by hand."""
    url = f"/v1/projects/p/aliases/{name}:move"
    answer = plane.http.post(url, json={"version": version, "reason": "a test"})
    assert plane.ended(answer.json()["operation"])["status"] == "succeeded"


def puts(plane: Plane) -> list[tuple[str, list[int], dict[str, int]]]:
    """What Serve was told of the application ``w`` since last asked."""
    found = [each for each in plane.platform.serve.puts if each[0].startswith("p-w-")]
    plane.platform.serve.puts.clear()
    return found


def test_an_alias_without_a_version_gets_its_share_once_it_has_one(trained: Plane) -> None:
    shares = {"production": 90.0, "staging": 10.0}
    staging = {**alias("staging"), "model": "s", "follow": "latest", "gates": [{"metric": "mae", "below": 1}]}
    assert trained.made("alias", "s@staging", staging)["status"] == "refused"
    made = trained.made("serving_application", "w", application("s", "w", traffic=shares))
    assert (made["status"], made["outputs"]["serves"], made["outputs"]["aliases"]) == ("ready", 1, {"production": 1})
    assert "staging points to nothing yet" in made["message"]
    assert puts(trained) == [("p-w-blue", [1], {"production": 1})]
    trained.made("alias", "s@staging", {**staging, "gates": []})
    end = time.monotonic() + DEADLINE
    while trained.look("serving_application", "w").json()["resource"]["outputs"]["aliases"] != {
        "production": 1,
        "staging": 3,
    }:
        assert time.monotonic() < end, "its share never came"
        time.sleep(0.05)


def test_each_alias_keeps_warm_what_it_left_and_a_rollback_is_one_step(trained: Plane) -> None:
    puts(trained)
    move(trained, "s@production", 2)
    assert puts(trained) == [
        ("p-w-blue", [1, 2, 3], {"production": 1, "staging": 3}),
        ("p-w-blue", [1, 2, 3], {"production": 2, "staging": 3}),
    ]
    move(trained, "s@staging", 2)
    assert puts(trained) == [("p-w-blue", [1, 2, 3], {"production": 2, "staging": 2})]
    move(trained, "s@production", 1)
    assert puts(trained) == [("p-w-blue", [1, 2, 3], {"production": 1, "staging": 2})]


def test_other_code_is_deployed_beside_and_takes_over(trained: Plane, monkeypatch: pytest.MonkeyPatch) -> None:
    puts(trained)
    monkeypatch.setattr(serving, "_code", lambda: "newer")
    seen = trained.look("serving_application", "w").json()["resource"]
    assert (seen["status"], seen["message"]) == ("drifted", "runs in another shape, or was changed by hand")
    again = application("s", "w", traffic={"production": 90.0, "staging": 10.0})
    assert trained.made("serving_application", "w", again)["status"] == "ready"
    assert [each[0] for each in puts(trained)] == ["p-w-green", "p-w-green"]
    running = {name: c["route_prefix"] for name, c in trained.platform.serve.running.items() if "p-w-" in name}
    assert running == {"p-w-green": "/p/w"}


def test_one_word_makes_it_one_process_and_back(trained: Plane) -> None:
    shares = {"production": 90.0, "staging": 10.0}
    single = trained.made("serving_application", "w", application("s", "w", traffic=shares, topology="single"))
    assert single["outputs"]["endpoint"] == "http://127.0.0.1:1/p/w"
    assert trained.platform.singles.told["p/w"]["live"]["door"]["aliases"] == {"production": 1, "staging": 2}
    assert not [name for name in trained.platform.serve.running if name.startswith("p-w-")]
    move(trained, "s@production", 3)
    assert trained.platform.singles.told["p/w"]["live"]["door"]["aliases"] == {"production": 3, "staging": 2}
    trained.platform.singles.told["p/w"] = {}  # it was restarted: it is told again without a hand
    end = time.monotonic() + DEADLINE
    while not trained.platform.singles.told["p/w"]:
        assert time.monotonic() < end, "it was never told again"
        time.sleep(0.05)
    assert trained.platform.singles.told["p/w"]["live"]["door"]["aliases"] == {"production": 3, "staging": 2}
    fused = trained.made("serving_application", "w", application("s", "w", traffic=shares, topology="fused"))
    assert fused["status"] == "ready"
    assert [c["import_path"] for n, c in trained.platform.serve.running.items() if n.startswith("p-w-")] == [
        "groundplan_serving.app:fused"
    ]


def test_a_door_told_otherwise_by_hand_is_seen_and_repaired(trained: Plane) -> None:
    declared = application("s", "w", traffic={"production": 90.0, "staging": 10.0}, topology="fused")
    (name,) = [n for n in trained.platform.serve.running if n.startswith("p-w-")]
    door = trained.platform.serve.running[name]["deployments"][0]["user_config"]["door"]
    door["traffic"] = {"staging": 100.0}
    assert trained.look("serving_application", "w").json()["resource"]["status"] == "drifted"
    assert trained.made("serving_application", "w", declared)["status"] == "ready"
    assert trained.look("serving_application", "w").json()["resource"]["status"] == "ready"
