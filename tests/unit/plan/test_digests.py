"""What an edit changes in the plan, and what it leaves alone."""

import json

import pytest
from tests.support.checkout import Checkout

from groundplan.compose import load
from groundplan.plan import Change, Plan, build_plan, compare

P, T, S = "projects/shop/project.yaml", "projects/shop/training/spend.yaml", "stacks/local.yaml"


def plan_of(checkout: Checkout) -> Plan:
    return build_plan(*load(checkout.root, "local"))


def changes(checkout: Checkout, file: str, old: str, new: str) -> dict[str, Change]:
    before = plan_of(checkout)
    checkout.edit(file, old, new)
    return {change.id.removeprefix("shop/"): change for change in compare(before, plan_of(checkout))}


FOLLOWS = {"alias/spend@latest", "alias/spend@production", "gates/shop"}
MODEL = {"model/spend", *FOLLOWS}
SERVICE = {"feature_service/spending", *MODEL}
TREND = {"feature_view/trend", "materialization/trend"}
RECENT = {"feature_view/recent", "materialization/recent", *TREND, *SERVICE}


@pytest.mark.parametrize(
    ("file", "old", "new", "changed"),
    [
        (T, "alpha: 0.5", "alpha: 0.6", MODEL),
        (T, "holdout: 7d", "holdout: 8d", MODEL),
        (T, "2024-03-01", "2024-03-02", MODEL | {"materialization/recent", "materialization/trend"}),
        (P, "replicas: 2", "replicas: 3", {"serving_application/spend"}),
        (P, "The last orders", "Orders", {"feature_view/recent"}),
        (P, "tier: gold", "tier: tin", {"feature_view/recent"}),
        (P, "Who buys", "A buyer", {"entity/customer"}),
        (P, "owner: shop@", "owner: sales@", {"project/shop"}),
        (P, "ttl: 7d", "ttl: 6d", TREND | SERVICE),
        (P, "ttl: 28d", "ttl: 27d", RECENT),
        (P, "amount: float64}\n", "amount: float64, x: bool}\n", RECENT | {"data_source/orders"}),
        ("projects/shop/features/recent.sql", "7 preceding", "6 preceding", RECENT | {"project/shop"}),
        ("projects/shop/features/trend.py", "return recent", "return recent[:1]", TREND | SERVICE | {"project/shop"}),
        ("projects/shop/data/orders.csv", "3.5", "4.5", RECENT | {"data_source/orders", "project/shop"}),
        ("projects/shop/training/examples.sql", "select", "SELECT", MODEL | {"project/shop"}),
        (T, "[{metric: mae, better_than: baseline}]", "[]", {"alias/spend@production", "gates/shop"}),
        (S, "port_base: 20000", "port_base: 21000", set()),
        (P, "What customers spend", "What customers spend # a comment", set()),
    ],
)
def test_an_edit_reaches_what_it_feeds_and_nothing_else(
    checkout: Checkout, file: str, old: str, new: str, changed: set[str]
) -> None:
    found = changes(checkout, file, old, new)
    assert set(found) == changed
    assert {change.action for change in found.values()} <= {"update"}


def test_python_beside_the_named_file_counts(checkout: Checkout) -> None:
    before = plan_of(checkout)
    checkout.write("projects/shop/features/helper.py", "X = 1\n")
    assert "shop/feature_view/trend" in {change.id for change in compare(before, plan_of(checkout))}


def test_a_change_tells_what_and_from_where(checkout: Checkout) -> None:
    found = changes(checkout, T, "alpha: 0.5", "alpha: 0.6")
    assert found["model/spend"].properties == ("hyperparameters",)
    assert found["alias/spend@latest"] == Change("shop/alias/spend@latest", "update", (), ("shop/model/spend",))


def test_retrain_is_no_reason_to_train(checkout: Checkout) -> None:
    before = plan_of(checkout).node("shop/model/spend")
    checkout.edit(T, "kind: linear", "kind: linear\n  retrain: manual")
    after = plan_of(checkout).node("shop/model/spend")
    assert before.data_digest == after.data_digest
    assert before.digest != after.digest


def test_what_a_run_may_use_is_no_reason_to_make_anything_anew(checkout: Checkout) -> None:
    before = plan_of(checkout)
    checkout.edit(T, "kind: linear", "kind: linear\n  resources: {memory_mb: 8192}")
    checkout.edit(P, "    ttl: 7d\n", "    ttl: 7d\n    resources: {timeout: 2h}\n")
    after = plan_of(checkout)
    assert after.node("shop/model/spend").properties["resources"] == {"cpus": 1, "memory_mb": 8192, "timeout": "30m"}
    assert [node.data_digest for node in before.nodes] == [node.data_digest for node in after.nodes]
    assert {change.id for change in compare(before, after)} == {"shop/model/spend", "shop/feature_view/trend"}


def test_a_pinned_alias_is_not_fed_by_the_model_but_comes_after_it(checkout: Checkout) -> None:
    checkout.edit(T, "latest: {follow: latest}\n", "latest: {version: 3}\n")
    node = plan_of(checkout).node("shop/alias/spend@latest")
    assert (node.feeds, node.after) == ((), ("shop/model/spend",))


def test_created_and_deleted(checkout: Checkout) -> None:
    before = plan_of(checkout)
    checkout.edit(P, "    ttl: 7d\n", "    ttl: 7d\n    online: true\n")
    assert compare(before, plan_of(checkout)) == ()
    checkout.edit(P, "\nserving:\n  spend:\n", "\nserving:\n  spent:\n")
    found = {(c.id, c.action) for c in compare(before, plan_of(checkout)) if c.action != "update"}
    assert found == {("shop/serving_application/spent", "create"), ("shop/serving_application/spend", "delete")}


def test_the_order_is_one_in_which_it_can_be_made(checkout: Checkout) -> None:
    plan, seen = plan_of(checkout), set[str]()
    for node in plan.nodes:
        assert set(node.needs) <= seen
        assert set(node.upstream) == set(node.feeds)
        seen.add(node.id)
    assert plan.nodes[-1].id == "shop/gates/shop"


def test_the_same_declaration_is_the_same_plan(checkout: Checkout, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = Checkout(tmp_path_factory.mktemp("elsewhere"))
    assert plan_of(elsewhere).to_dict() == plan_of(checkout).to_dict()


def test_json_and_back(checkout: Checkout) -> None:
    plan = plan_of(checkout)
    assert Plan.from_dict(json.loads(json.dumps(plan.to_dict()))) == plan
    assert all(len(node.digest) == len(node.data_digest) == 16 for node in plan.nodes)


def test_downstream(checkout: Checkout) -> None:
    plan = plan_of(checkout)
    assert {id.removeprefix("shop/") for id in plan.downstream("shop/feature_view/trend")} == SERVICE | {
        "materialization/trend",
        "serving_application/spend",
    }
    assert plan.downstream("shop/gates/shop") == ()
    with pytest.raises(KeyError):
        plan.downstream("shop/model/none")


def test_properties_are_what_the_contract_says(checkout: Checkout) -> None:
    plan = plan_of(checkout)
    keys = {node.id.removeprefix("shop/"): set(node.properties) for node in plan.nodes}
    assert keys["project/shop"] == {"team", "owner", "description", "source", "code"}
    assert keys["data_source/orders"] == {"kind", "path", "fields", "code", "resources"}
    assert {"sql", "code", "timestamp", "ttl", "online"} < keys["feature_view/recent"]
    assert plan.node("shop/feature_service/spending").properties == {
        "views": {"recent": ["mean_amount", "orders"], "trend": ["slope"]}
    }
    assert plan.node("shop/materialization/recent").properties == {"view": "recent", "as_of": "2024-03-01T00:00:00Z"}
    assert plan.node("shop/alias/spend@production").properties["model"] == "spend"
    serving = plan.node("shop/serving_application/spend").properties
    assert (serving["traffic"], serving["route"]) == ({"production": 100.0}, "/shop/spend")
    assert (serving["topology"], serving["timeout"]) == ("tiered", "5s")
    assert plan.node("shop/gates/shop").properties == {"aliases": ["spend@production"]}
