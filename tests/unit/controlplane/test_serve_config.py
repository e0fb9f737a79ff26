"""What Serve is told: all but topology and code is live; a flip never answers with a version that is not held."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from groundplan.controlplane.rules.serve_config import (
    Pair,
    Wish,
    application_config,
    held,
    live_config,
    live_of,
    other_colour,
    steps,
    told_tiers,
)
from groundplan_serving.config import Args, LiveConfig

TIER = {"replicas": 1, "cpus": 0.1, "gpus": 0, "max_ongoing": 32, "max_queued": 128, "target": {}}
TIERS = {tier: dict(TIER) for tier in ("api", "features", "preprocessing", "model")}
FEATURES = {
    "name": "f",
    "views": {"v": {"join_keys": {"id": "int64"}, "fields": {"a": "float64"}}},
    "entities": {"id": {"join_key": "id", "type": "int64"}},
}
VERSIONS = st.dictionaries(st.sampled_from(["production", "staging", "latest"]), st.integers(1, 5), min_size=1)


def wish(topology: str = "tiered", tiers: dict[str, Any] | None = None, **more: Any) -> Wish:
    """What an application shall be."""
    given = {"topology": topology, "model": "m", "traffic": {"production": 100.0}, "max_batch": 10, "timeout": "2s"}
    return Wish("p", "a", "shape1", {**given, "tiers": tiers or TIERS, "route": "/p/a", **more}, 2.0)


def live(pointers: dict[str, int], keep: tuple[int, ...] = (), **more: Any) -> dict[str, Any]:
    """What is live with these pointers."""
    pairs = {n: Pair(f"models:/p/{n}", f"models:/m/{n}", FEATURES) for n in (*pointers.values(), *keep)}
    return live_config(wish(**more), pointers, pairs, keep)


def config(**more: Any) -> dict[str, Any]:
    """An application's entry."""
    return application_config(wish(**more), live({"production": 1}), "p-a-blue", "/p/a")


def test_every_deployment_is_told_its_part_and_reads_it() -> None:
    for topology, names in (("tiered", 4), ("fused", 1)):
        entry = config(topology=topology)
        assert (entry["name"], entry["route_prefix"]) == ("p-a-blue", "/p/a")
        assert len(entry["deployments"]) == names
        assert Args.model_validate(entry["args"]).shape == "shape1"
        found = live_of(entry)
        assert found == live({"production": 1})
        told = LiveConfig.model_validate(found)
        assert told.door.aliases == {"production": 1}
        assert told.halves.versions["1"].model == "models:/m/1"
        assert told.features.features["1"].views["v"].fields == {"a": "float64"}


def test_an_alias_that_points_nowhere_gets_no_share() -> None:
    found = live({"production": 1}, traffic={"production": 90.0, "staging": 10.0}, shadow=["latest"])
    assert found["door"]["traffic"] == {"production": 90.0}
    assert found["door"]["shadow"] == []


def test_a_change_of_a_tier_changes_that_deployment_only() -> None:
    larger = {**TIERS, "model": {**TIER, "replicas": 2, "cpus": 0.5, "gpus": 1, "memory_mb": 100}}
    one, two = config(), config(tiers=larger)
    changed = [b for a, b in zip(one["deployments"], two["deployments"], strict=True) if a != b]
    assert [each["name"] for each in changed] == ["ModelService"]
    assert changed[0]["num_replicas"] == 2
    assert changed[0]["ray_actor_options"] == {"num_cpus": 0.5, "num_gpus": 1, "memory": 100 * 2**20}


def test_each_tier_scales_on_its_own_bottleneck_unless_told() -> None:
    scaled = {tier: {**TIER, "replicas": {"min": 1, "max": 3}} for tier in TIERS}
    scaled["model"] = {**scaled["model"], "target": {"queue": 3}}
    found = {d["name"]: d["autoscaling_config"] for d in config(tiers=scaled)["deployments"]}
    kwargs = {name: each["policy"]["policy_kwargs"] for name, each in found.items()}
    assert kwargs == {
        "ForecastAPI": {"metric": "queue", "target": 8.0},
        "FeastService": {"metric": "query_ms", "target": 10.0},
        "PreprocessingService": {"metric": "cpu", "target": 70.0},
        "ModelService": {"metric": "queue", "target": 3},
    }
    assert {each["max_replicas"] for each in found.values()} == {3}


def test_drift_of_a_size_is_shown_where_it_was_declared() -> None:
    entry = config()
    entry["deployments"][3]["num_replicas"] = 5
    assert told_tiers(entry, TIERS) == {**TIERS, "model": {**TIER, "replicas": 5}}
    scaled = {**TIERS, "api": {**TIER, "replicas": {"min": 1, "max": 3}}}
    assert told_tiers(config(tiers=scaled), scaled) == scaled
    assert told_tiers(config(topology="fused"), TIERS) == TIERS


@given(VERSIONS, VERSIONS, st.lists(st.integers(1, 5)))
def test_a_flip_never_names_what_is_not_held_before_and_ends_as_wished(
    before: dict[str, int], after: dict[str, int], keep: list[int]
) -> None:
    now, target = live(before), live(after, tuple(keep))
    holding = held(now)
    told = steps(now, target)
    assert told[-1] == target
    for each in told:
        # The door's telling and the halves' may overtake one another within a step.
        assert set(each["door"]["aliases"].values()) <= holding or (each is told[0] and len(told) == 1)
        assert set(each["door"]["aliases"].values()) <= held(each)
        holding = held(each)
    if len(told) == 1:
        assert held(target) <= held(now)


def test_the_first_telling_is_one_step_and_colours_alternate() -> None:
    assert steps(None, live({"production": 1})) == [live({"production": 1})]
    assert other_colour(other_colour("p-a-blue")) == "p-a-blue"
    assert other_colour("p-a-blue") == "p-a-green"
