"""One edited line: the preview names exactly what follows from it."""

import json
import random
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.clone import Clone, pass_of


def kinds(steps: dict[str, str]) -> list[str]:
    """The types among the steps, with repetition, sorted; every step has to be an update."""
    assert set(steps.values()) <= {"update"}, steps
    return sorted(title.split()[0] for title in steps)


def test_a_hyperparameter_is_one_model_and_the_aliases_that_follow(clone: Clone) -> None:
    with clone.edited("projects/flights/training/delay.yaml", r"max_depth: \d+", "max_depth: 4"):
        found = kinds(clone.steps())
    assert found.count("Model") == 1
    assert set(found) <= {"Model", "Alias", "Gates"}
    assert found.count("Alias") == 3


def test_a_feature_view_is_that_view_and_what_it_feeds(clone: Clone) -> None:
    with clone.edited("projects/flights/features/origin_weather.sql", r"(?i)\bselect\b", "SELECT /* edited */"):
        steps = clone.steps()
    titles = " ".join(steps)
    assert kinds(steps).count("FeatureView") == 1
    assert "origin_weather" in titles
    assert kinds(steps).count("Model") == 1
    assert "route_delay" not in titles
    assert "DataSource" not in titles


def test_a_replica_count_is_one_update_and_does_not_retrain(clone: Clone) -> None:
    with clone.edited("projects/flights/serving/delay.yaml", r"replicas: 1", "replicas: 2"):
        assert kinds(clone.steps()) == ["ServingApplication"]


def test_a_description_touches_only_itself(clone: Clone) -> None:
    with clone.edited("projects/flights/project.yaml", r"description: .*", "description: Edited"):
        assert kinds(clone.steps()) == ["Project"]


def test_a_mistake_is_one_clear_line_before_anything_is_touched(clone: Clone) -> None:
    with clone.edited("projects/flights/training/delay.yaml", r"max_depth: \d+", "max_depht: 4"):
        done = clone.groundplan("preview", "local", ok=False)
    assert done.returncode == 1
    assert "projects/flights/training/delay.yaml:" in done.stderr + done.stdout
    assert "Traceback" not in done.stderr + done.stdout


def test_a_new_hyperparameter_makes_pair_two_and_serves_it(clone: Clone) -> None:
    clone.edit("projects/flights/training/delay.yaml", r"n_estimators: \d+", "n_estimators: 120")
    clone.groundplan("up", "local")
    body = clone.predict([{"origin": "JFK", "carrier": "AA"}]).json()
    assert body["preprocessor_version"] == body["model_version"] == 2
    assert clone.steps() == {}


def test_the_old_commit_selects_the_old_number_again(clone: Clone) -> None:
    clone.run("git", "checkout", "projects/flights/training/delay.yaml")
    clone.groundplan("up", "local")
    body = clone.predict([{"origin": "JFK", "carrier": "AA"}]).json()
    assert body["preprocessor_version"] == body["model_version"] == 1


def test_a_training_over_its_memory_is_ended_and_told_in_one_line(clone: Clone) -> None:
    small = "    random_state: 7\n  retrain: on_change\n  resources: {cpus: 2, memory_mb: 256}\n"
    with clone.edited(
        "projects/flights/training/delay.yaml", r"  retrain: on_change\n  resources: \{cpus: 2\}\n", small
    ):
        done = clone.groundplan("up", "local", ok=False)
        assert done.returncode == 1
        said = done.stdout + done.stderr
        assert "training.delay.resources.memory_mb" in said
        assert "allowed: 256 MB" in said
        runs = clone.path / ".groundplan/local/runs"
        assert [each for each in runs.iterdir() if each.is_dir()] == []
    clone.groundplan("up", "local")
    assert clone.steps() == {}


def test_the_audit_trail_is_whole_and_tells_the_registry(clone: Clone) -> None:
    assert "events are whole" in clone.groundplan("audit", "verify").stdout
    assert "the events tell the whole registry" in clone.groundplan("audit", "rebuild", "--check").stdout
    lines = [json.loads(line) for line in clone.groundplan("audit", "export").stdout.splitlines()]
    assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))
    assert all(line["correlation_id"] for line in lines if line["actor"] != "controlplane")


def test_topology_is_one_word_and_all_three_give_the_same_answers(clone: Clone) -> None:
    path = clone.path / "projects/flights/serving/delay.yaml"
    first, body = path.read_text().split("\n", 1)
    others = [f"delay_{t}:\n{body.replace('model: delay', f'model: delay{chr(10)}  topology: {t}', 1)}" for t in OTHERS]
    path.write_text("\n".join([first, body, *others]))
    clone.groundplan("up", "local")
    outputs = clone.outputs()
    urls = outputs["endpoints"]["applications"]
    with httpx.Client(timeout=30, trust_env=False, headers=pass_of(outputs)) as client:
        answers = {name: [_answer(client, url, request) for request in requests()] for name, url in urls.items()}
    tiered = answers["flights/delay"]
    assert len(tiered) == 1000
    assert {status for status, _ in tiered} == {200, 404}
    for name in OTHERS:
        assert answers[f"flights/delay_{name}"] == tiered
    clone.run("git", "checkout", "projects/flights/serving/delay.yaml")
    clone.groundplan("up", "local")
    assert clone.steps() == {}
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{urls['flights/delay_single']}/healthz", trust_env=False)


OTHERS = ("fused", "single")


def requests() -> Iterator[list[dict[str, str]]]:
    """A thousand requests, of 1 to 20 entities; a few name an entity that nothing is known of."""
    chosen = random.Random(4)
    for number in range(1000):
        size = chosen.choice([1, 1, 1, 2, 5, 20])
        routes = [chosen.choice(["JFK AA", "EWR UA", "LGA DL", "JFK B6", "EWR EV", "LGA MQ"]) for _ in range(size)]
        entities = [dict(zip(("origin", "carrier"), route.split(), strict=True)) for route in routes]
        yield [*entities, {"origin": "JFK", "carrier": "??"}] if number % 50 == 0 else entities


def _answer(client: httpx.Client, url: str, entities: list[dict[str, str]]) -> tuple[int, dict[str, Any]]:
    answer = client.post(f"{url}/predict/feast/batch", json={"entities": entities})
    return answer.status_code, answer.json()
