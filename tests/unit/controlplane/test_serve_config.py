"""What Serve is told: args restart, the rest is live; and a flip never answers with a version that is not held."""

import pytest

from groundplan.controlplane.rules.serve_config import application_config, told, warm_steps
from groundplan_serving.config import Active, Args, Versions

ARGS = {
    "project": "p",
    "application": "a",
    "model": "m",
    "feature_service": {"name": "f", "views": {}, "entities": {}},
    "max_batch": 10,
    "timeout_s": 1.0,
}
HALVES = {"versions": [1], "mlflow": {"1": {"preprocessor": "x", "model": "y"}}}
LIVE = {"active": {"production": 1}, "alias": "production"}


def config(**tiers: dict[str, float]) -> dict:
    """The config of one application with these tiers."""
    return application_config("p", "a", args=ARGS, halves=HALVES, live=LIVE, tiers=tiers)


def test_every_deployment_is_told_its_part_and_the_application_reads_it() -> None:
    told = config()
    assert (told["name"], told["route_prefix"]) == ("p-a", "/p/a")
    users = {each["name"]: each.get("user_config") for each in told["deployments"]}
    assert users == {
        "ForecastAPI": LIVE,
        "FeastService": None,
        "PreprocessingService": HALVES,
        "ModelService": HALVES,
    }
    assert Args.model_validate(told["args"]).max_batch == 10
    assert Active.model_validate(users["ForecastAPI"]).active == {"production": 1}
    assert Versions.model_validate(users["ModelService"]).mlflow["1"].model == "y"


def test_replicas_and_cpus_are_overrides_so_that_args_stay_and_nothing_else_restarts() -> None:
    one, two = config(), config(model={"replicas": 2, "cpus": 0.5})
    changed = [b for a, b in zip(one.pop("deployments"), two.pop("deployments"), strict=True) if a != b]
    assert one == two
    assert changed == [
        {"name": "ModelService", "num_replicas": 2, "ray_actor_options": {"num_cpus": 0.5}, "user_config": HALVES}
    ]


@pytest.mark.parametrize(
    ("running", "current", "target", "keep", "steps"),
    [
        ([1], 1, 2, 1, [([1, 2], 1), ([1, 2], 2)]),
        ([1, 2], 2, 3, 1, [([2, 3], 2), ([2, 3], 3)]),
        ([1, 2], 2, 1, 1, [([1, 2], 2), ([1, 2], 1)]),  # back
        ([1, 2], 2, 3, 0, [([2, 3], 2), ([3], 3)]),
        ([1, 2], 2, 3, 2, [([1, 2, 3], 2), ([1, 2, 3], 3)]),
        ([1, 2], 2, 2, 1, [([1, 2], 2)]),  # told again
        ([], None, 5, 1, [([5], 5)]),
    ],
)
def test_warm_steps(
    running: list[int], current: int | None, target: int, keep: int, steps: list[tuple[list[int], int]]
) -> None:
    found = warm_steps(running, current, target, keep)
    assert found == steps
    assert all(active in versions for versions, active in found)


def test_what_serve_has_is_told_in_the_words_of_the_declaration() -> None:
    tiers = {tier: {"replicas": 1, "cpus": 0.1} for tier in ("api", "features", "preprocessing", "model")}
    config = application_config("p", "a", args={}, halves={"versions": [1]}, live={"active": {}}, tiers=tiers)
    assert told(config, tiers) == {"tiers": tiers}
    config["deployments"][3]["num_replicas"] = 4
    assert told(config, tiers)["tiers"]["model"] == {"replicas": 4, "cpus": 0.1}
    assert told({}, tiers) == {"tiers": tiers}
