"""The estimate: what is on the bill, what it costs, whose it is, and the ceiling."""

import pytest

from groundplan.compose import load
from groundplan.cost import (
    HOURS,
    Bill,
    Estimate,
    Line,
    Range,
    bill_of,
    delta,
    estimate,
    estimate_of,
    price_table,
    refuse_over_ceiling,
)
from groundplan.errors import SpecError
from groundplan.plan import build_plan
from groundplan.spec import StackSpec
from tests.support.checkout import Checkout

P, S, T = "projects/shop/project.yaml", "stacks/prod.yaml", "projects/shop/training/spend.yaml"


def estimated(checkout: Checkout, env: str = "prod") -> tuple[StackSpec, Estimate]:
    stack, projects = load(checkout.root, env)
    return stack, estimate_of(stack, build_plan(stack, projects))


def test_the_parts_of_a_small_stack_by_hand(checkout: Checkout) -> None:
    _, found = estimated(checkout)
    parts = found.by_component
    assert parts["cluster"] == Range(73.0, 73.0)  # 730 h at 0.10
    assert parts["nodes general"].low == pytest.approx(2 * (730 * 0.2016 + 80 * 0.08))
    assert parts["nodes general"] == Range(parts["nodes general"].low, parts["nodes general"].low)
    # One NAT gateway; ECR's two endpoints in two zones.
    assert parts["network"].low == pytest.approx(730 * 0.045 + 4 * 730 * 0.01)
    assert parts["network"].high == pytest.approx(parts["network"].low + 100 * 0.045)
    assert parts["database"].low == pytest.approx(2 * 730 * 0.168 + 200 * 0.115)  # two zones
    assert parts["online store"].low == pytest.approx(2 * 730 * 0.1264)
    assert found.unpriced == ()


def test_components_and_projects_add_up_to_the_total(checkout: Checkout) -> None:
    checkout.edit(P, "replicas: 2, cpus: 0.5", "replicas: {min: 2, max: 9}, cpus: 1.5, gpus: 1")
    _, found = estimated(checkout)
    for groups in (found.by_component, found.by_project):
        assert sum(cost.low for cost in groups.values()) == pytest.approx(found.total.low)
        assert sum(cost.high for cost in groups.values()) == pytest.approx(found.total.high)


def test_gpu_replicas_are_their_projects_and_their_range_is_the_replicas(checkout: Checkout) -> None:
    checkout.edit(P, "replicas: 2, cpus: 0.5", "replicas: {min: 1, max: 3}, cpus: 1, gpus: 1")
    _, found = estimated(checkout)
    gpu = next(row for row in found.rows if row.line.item == "node.g5.xlarge")
    assert gpu.line.project == "shop"
    assert (gpu.line.low, gpu.line.high) == (HOURS, 3 * HOURS)
    assert gpu.cost.high == pytest.approx(3 * 730 * 1.006)
    assert found.gpu_hours == {"shop": (730.0, 2190.0)}


def test_a_node_groups_maximum_bounds_the_estimate(checkout: Checkout) -> None:
    checkout.edit(P, "replicas: 2, cpus: 0.5", "replicas: {min: 1, max: 30}, cpus: 1, gpus: 1")
    _, found = estimated(checkout)
    assert next(row for row in found.rows if row.line.item == "node.g5.xlarge").line.high == 4 * HOURS


def test_trainings_cost_gpu_hours_of_a_node_of_their_own(checkout: Checkout) -> None:
    checkout.edit(T, "  baseline:", "  resources: {cpus: 2, gpus: 1, timeout: 2h}\n  baseline:")
    more = "cost: {usage: {trainings: 10}}\nteams: {shop: {projects: [shop], quota: {gpus: 1}}}\n"
    checkout.edit(S, "target: aws\n", f"target: aws\n{more}")
    _, found = estimated(checkout)
    assert found.gpu_hours == {"shop": (0.0, 20.0)}
    assert found.by_component["training"] == Range(0.0, 20 * 1.006)


def test_spot_is_a_share_and_says_that_it_is_approximated(checkout: Checkout) -> None:
    checkout.edit(S, "instances: [m7i.xlarge], min", "instances: [m7i.xlarge], market: spot, min")
    _, found = estimated(checkout)
    spot = next(row for row in found.rows if row.line.item == "spot.m7i.xlarge")
    assert spot.rough
    assert spot.usd == pytest.approx(0.2016 * 0.4)


def test_own_prices_come_first(checkout: Checkout) -> None:
    checkout.edit(S, "target: aws\n", "target: aws\ncost: {prices: {eks.cluster: 0.05, node.m7i.xlarge: 0.1}}\n")
    _, found = estimated(checkout)
    assert found.by_component["cluster"].low == pytest.approx(36.5)


def test_a_local_stack_is_billed_by_nobody(checkout: Checkout) -> None:
    stack, found = estimated(checkout, "local")
    assert not found.rows
    refuse_over_ceiling(stack, found)


def test_a_ceiling_is_one_line_with_file_value_and_fix(checkout: Checkout) -> None:
    checkout.edit(S, "target: aws\n", "target: aws\ncost: {ceiling_usd_per_month: 500}\n")
    stack, found = estimated(checkout)
    with pytest.raises(SpecError) as refused:
        refuse_over_ceiling(stack, found)
    line = str(refused.value)
    assert "\n" not in line
    most = f"{found.total.rounded.high:,.2f}"
    assert line.startswith(f"stacks/prod.yaml: cost.ceiling_usd_per_month: the stack is estimated to cost up to {most}")
    assert "got 500.00" in line
    assert "fix: declare less (most: nodes general " in line
    checkout.edit(S, "per_month: 500", f"per_month: {found.total.rounded.high}")
    refuse_over_ceiling(*estimated(checkout))


def test_a_ceiling_needs_prices_for_everything(checkout: Checkout) -> None:
    checkout.edit(S, "target: aws\n", "target: aws\ncost: {ceiling_usd_per_month: 50000}\n")
    checkout.edit(S, "cache.m7g.large", "cache.x1g.huge")
    stack, found = estimated(checkout)
    assert found.unpriced == ("cache.valkey.x1g.huge",)
    with pytest.raises(SpecError, match=r"no price in us-east-1 for cache\.valkey\.x1g\.huge; fix: cost: \{prices:"):
        refuse_over_ceiling(stack, found)


def test_a_bill_survives_being_kept(checkout: Checkout) -> None:
    stack, projects = load(checkout.root, "prod")
    bill = bill_of(stack, build_plan(stack, projects))
    assert Bill.from_dict(bill.to_dict()) == bill


def test_a_delta_names_what_came_went_and_changed() -> None:
    before = {"a": Range(1, 2), "b": Range(5, 5), "c": Range(3, 3)}
    after = {"a": Range(1, 4), "c": Range(3, 3), "d": Range(7, 7)}
    assert delta(before, after) == {"a": Range(0, 2), "d": Range(7, 7), "b": Range(-5, -5)}


@pytest.mark.parametrize("region", ["us-east-1", "us-west-2", "eu-west-1", "eu-central-1", "ca-central-1"])
def test_every_item_of_the_table_has_a_price_in_every_region(region: str) -> None:
    table = price_table()
    items = [*table.document["items"], *(f"node.{type}" for type in table.document["nodes"]["us-east-1"])]
    prices = {item: table.price(item, region) for item in items}
    assert [item for item, price in prices.items() if price is None or price.usd <= 0] == []


def test_a_region_without_prices_is_told_and_not_guessed() -> None:
    bill = Bill("mars-north-1", (Line("cluster", "eks.cluster", 730, 730),))
    found = estimate(bill, price_table())
    assert found.unpriced == ("eks.cluster",)
    assert found.total == Range(0, 0)
