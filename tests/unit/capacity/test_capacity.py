"""What fits on the machines that are declared, and what is said of what does not."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundplan.capacity import (
    Ask,
    Pool,
    Size,
    Workers,
    asks_of,
    family_of,
    local_shortages,
    place,
    ray_shortages,
    room_of,
    shortages,
    worker_asks,
)
from groundplan.compose import load
from groundplan.plan import build_plan
from groundplan.spec.cost import QuotasSpec
from tests.support.checkout import Checkout

XLARGE = Size(4, 16384)
GPU_NODE = Size(4, 16384, 1)


def pool(name: str = "general", machine: Size = XLARGE, low: int = 1, high: int = 3, type: str = "m7i.xlarge") -> Pool:
    where = f"aws.eks.node_groups.{name}"
    return Pool(name, where, type, machine, room_of(machine), low, high, gpus_only=machine.gpus > 0)


def gpus(high: int, low: int = 0) -> Pool:
    return pool("gpu", GPU_NODE, low, high, "g5.xlarge")


def ask(size: Size, low: int, high: int | None = None, of: str = "shop/spend", what: str = "model tier") -> Ask:
    return Ask("shop", of, what, "serving", size, low, high or low)


MODEL = Size(1, 2048, 1)


def test_replicas_fill_nodes_and_gpus_have_nodes_of_their_own() -> None:
    placed = place([ask(Size(1, 1024), 5), ask(MODEL, 2)], [pool(), gpus(4)])
    assert placed.machines == {"general": 2, "gpu": 2}  # 3.5 CPUs a node: three replicas, then two
    assert placed.left == []
    assert placed.shares["gpu", "shop"] == pytest.approx(2)


def test_what_fits_with_its_roll_out_needs_no_word() -> None:
    assert shortages([ask(MODEL, 2)], [pool(), gpus(4)]) == ()


def test_a_gpu_roll_out_needs_twice_the_gpus() -> None:
    (line,) = shortages([ask(MODEL, 2)], [pool(), gpus(3)])
    assert line == (
        "shop/spend: while shop/spend is rolled out (the new one stands beside the old until it answers), 1 of 4 "
        "replicas of its model tier (1 CPU, 2048 MiB, 1 GPU each) do not fit: aws.eks.node_groups.gpu grows to 3 "
        "g5.xlarge; fix: aws.eks.node_groups.gpu.max: 4, or fewer replicas"
    )


def test_an_upgrade_of_the_ray_cluster_doubles_every_application() -> None:
    asks = [ask(MODEL, 1, of="shop/a"), ask(MODEL, 1, of="shop/b")]
    assert shortages(asks, [gpus(4)]) == ()
    lines = shortages(asks, [gpus(3)])
    assert len(lines) == 1
    assert "kuberay/issues/4239" in lines[0]
    assert "aws.eks.node_groups.gpu.max: 4" in lines[0]


def test_what_cannot_even_start_is_told_once() -> None:
    lines = shortages([ask(MODEL, 3)], [gpus(2)])
    assert len(lines) == 1
    assert "with the fewest replicas, 1 of 3" in lines[0]


def test_no_group_with_gpus() -> None:
    (line,) = shortages([ask(MODEL, 1)], [pool()])
    assert "fit no machine; there is: aws.eks.node_groups.general" in line
    assert "fix: add a node group with GPUs whose nodes leave 1 CPU, 2048 MiB, 1 GPU" in line


def test_memory_counts_as_cpus_do() -> None:
    lines = shortages([ask(Size(0.1, 12_000), 4)], [pool(high=3)])
    assert "1 of 4 replicas" in lines[0]


def test_scaling_out_is_looked_at_too() -> None:
    lines = shortages([ask(Size(1, 1024), 1, 20)], [pool(high=3)])
    assert ["with the most replicas" in line for line in lines] == [True]


def test_a_training_has_to_fit_beside_what_serves() -> None:
    run = Ask("shop", "shop/spend", "training", "run", Size(4, 8192, 1), 0, 1, 0.5)
    (line,) = shortages([run], [gpus(1)])
    assert line.startswith("shop/spend: runs of its training (4 CPUs, 8192 MiB, 1 GPU) fit no machine")
    small = replace(run, size=Size(2, 8192, 1))
    assert shortages([small], [gpus(1)]) == ()


def test_a_large_training_is_not_hidden_by_what_it_would_push_out() -> None:
    run = Ask("shop", "shop/big", "training", "run", Size(3, 2048), 0, 1, 0.5)
    small = ask(Size(1, 1024), 3)
    assert shortages([small], [pool(high=1)])[0].startswith("shop/spend: while shop/spend is rolled out")
    (line,) = shortages([small, run], [pool(high=1)])
    assert line.startswith("shop/big: runs of its training (3 CPUs, 2048 MiB) do not fit")


WORKERS = Workers("workers", Size(2, 4096), 1, 2, Size(2, 4096))


def test_replicas_have_to_fit_on_the_workers_of_ray_before_those_fit_on_nodes() -> None:
    (line,) = ray_shortages([ask(Size(1, 1024), 3)], [WORKERS], [], [pool(high=9)])
    assert line.endswith(
        "2 of 6 replicas of its model tier (1 CPU, 1024 MiB each) do not fit: cluster.ray_workers.workers grows to 2 "
        "worker pods (2 CPUs, 4096 MiB); fix: cluster.ray_workers.workers.max: 3, or fewer replicas"
    )
    assert ray_shortages([ask(Size(1, 1024), 2)], [WORKERS], [], []) == ()


def test_workers_ask_nodes_for_room_and_an_upgrade_doubles_them() -> None:
    asks = [ask(Size(1, 1024), 2)]
    (asked,) = worker_asks(asks, [WORKERS])
    assert (asked.low, asked.high) == (1, 2)  # at rest; while it is rolled out
    own = [Ask("platform", "platform", "gateway", "platform", Size(1, 1024), 1, 1)]
    assert ray_shortages(asks, [WORKERS], own, [pool(high=2)]) == ()  # 3.5 CPUs a node
    (line,) = ray_shortages(asks, [WORKERS], own, [pool(high=1)])
    assert "Ray: with the most replicas, or while one application is rolled out, 1 of 2" in line
    both = [ask(Size(2, 1024), 1, of="shop/a"), ask(Size(2, 1024), 1, of="shop/b")]
    three = replace(WORKERS, high=3)
    assert ray_shortages(both, [three], own, [pool(high=4)]) == ()
    (line,) = ray_shortages(both, [three], own, [pool(high=3)])
    assert "kuberay/issues/4239" in line


@pytest.mark.parametrize(("quota", "told"), [(16, False), (15, True), (None, False)])
def test_quotas_are_held_against_the_surge(quota: int | None, told: bool) -> None:
    lines = shortages([ask(MODEL, 2)], [gpus(4)], QuotasSpec(g=quota))
    assert bool(lines) is told
    if told:
        assert "takes 16 vCPUs of gpu (g5.xlarge); the quota is 15" in lines[0]
        assert "L-DB2E81BA" in lines[0]


@pytest.mark.parametrize(
    ("type", "spot", "family"),
    [
        ("m7i.xlarge", False, "standard"),
        ("g5.xlarge", True, "g_spot"),
        ("p4d.24xlarge", False, "p"),
        ("vt1.3xlarge", False, "g"),
        ("inf2.xlarge", False, "other"),
    ],
)
def test_families_of_quotas(type: str, spot: bool, family: str) -> None:
    assert family_of(replace(pool(type=type), spot=spot)) == family


@given(
    st.lists(st.tuples(st.floats(0.1, 3.5), st.integers(64, 14_000), st.integers(1, 6)), max_size=6),
    st.integers(0, 3),
)
def test_nothing_is_placed_beyond_what_machines_have(sizes: list[tuple[float, int, int]], low: int) -> None:
    asks = [ask(Size(cpus, memory), count) for cpus, memory, count in sizes]
    own = pool(low=low, high=8)
    placed = place(asks, [own])
    left = sum(missing for _, missing in placed.left)
    assert low <= placed.machines["general"] <= 8
    assert placed.shares.get(("general", "shop"), 0) <= 3 * placed.machines["general"] + 1e-6  # three resources
    fewer = placed.machines["general"] - 1
    if not left and fewer >= max(low, 1):  # one node fewer would not have done, packed the same way
        assert place(asks, [replace(own, high=fewer)]).left


def test_a_plan_says_what_each_tier_and_run_asks_for(checkout: Checkout) -> None:
    checkout.edit("projects/shop/training/spend.yaml", "  baseline:", "  resources: {cpus: 2, gpus: 1}\n  baseline:")
    asks = asks_of(build_plan(*load(checkout.root, "local")))
    tiers = {found.what: (found.size, found.low, found.high) for found in asks if found.kind == "serving"}
    assert tiers["model tier"] == (Size(0.5, 512), 2, 2)
    assert tiers["api tier"] == (Size(0.1, 512), 1, 1)
    (training,) = [found for found in asks if found.what == "training"]
    assert (training.size, training.hours) == (Size(2, 2048, 1), 0.5)


def test_gpus_on_one_machine_are_said(checkout: Checkout) -> None:
    checkout.edit("projects/shop/training/spend.yaml", "  baseline:", "  resources: {gpus: 1}\n  baseline:")
    (line,) = local_shortages(asks_of(build_plan(*load(checkout.root, "local"))), 8)
    assert line == "shop/spend: its training asks for GPUs: it waits for ever where this machine has none"


def test_one_process_takes_what_its_tiers_take_together(checkout: Checkout) -> None:
    checkout.edit("projects/shop/project.yaml", "    model: spend\n", "    model: spend\n    topology: fused\n")
    (fused,) = [found for found in asks_of(build_plan(*load(checkout.root, "local"))) if found.kind == "serving"]
    assert fused.size.cpus == pytest.approx(0.8)
    assert (fused.low, fused.high) == (1, 1)


@pytest.mark.parametrize(
    ("cpus", "said"),
    [
        (3.0, []),
        (2.5, ["while it is rolled out"]),
        (2.0, ["trainings and materializations wait for ever; fix: local: {ray: {cpus: 3}}", "while it is rolled out"]),
        (1.0, ["the serving replicas take 1.3 CPUs, local.ray.cpus is 1: not all start"]),
    ],
)
def test_on_one_machine_replicas_may_leave_no_cpu_for_a_training(
    checkout: Checkout, cpus: float, said: list[str]
) -> None:
    lines = list(local_shortages(asks_of(build_plan(*load(checkout.root, "local"))), cpus))
    assert len(lines) == len(said), lines
    assert not any("GPU" in line for line in lines)
    assert all(words in line for words, line in zip(said, lines, strict=True))
