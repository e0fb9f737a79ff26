"""Personal data in the plan: what is marked, what inherits it, where it ends, and who may see it."""

import pytest
from tests.support.checkout import Checkout
from tests.unit.plan.test_digests import changes, plan_of

from groundplan.compose import load
from groundplan.errors import SpecError

P, S = "projects/shop/project.yaml", "stacks/local.yaml"
ENTITY = "description: Who buys}"
SOURCE = "    path: data/orders.csv\n"
RECENT, TREND = "    ttl: 28d\n", "    ttl: 7d\n"
ORDERS, VIEW = "shop/data_source/orders", "shop/feature_view/recent"
MADE = {"model/spend", "alias/spend@latest", "alias/spend@production", "gates/shop", "serving_application/spend"}
TREND_ALL = {"feature_view/trend", "materialization/trend"}
RECENT_ALL = {"feature_view/recent", "materialization/recent"}


def marks(checkout: Checkout) -> dict[str, list[str]]:
    """Node → its marks, of those that have any."""
    nodes = plan_of(checkout).nodes
    return {n.id.removeprefix("shop/"): n.properties["personal"] for n in nodes if n.properties.get("personal")}


@pytest.mark.parametrize(
    ("place", "more", "by", "marked"),
    [
        (SOURCE, "    personal: true\n", ORDERS,
         {"data_source/orders", *RECENT_ALL, *TREND_ALL, "feature_service/spending", *MADE}),
        (SOURCE, "    personal: [customer]\n", f"{ORDERS}.customer",
         {"data_source/orders", *RECENT_ALL, *TREND_ALL, "feature_service/spending", *MADE}),
        (TREND, "    personal: true\n", "shop/feature_view/trend", {*TREND_ALL, "feature_service/spending", *MADE}),
        (RECENT, "    personal: [orders]\n", f"{VIEW}.orders",
         {*RECENT_ALL, *TREND_ALL, "feature_service/spending", *MADE}),
    ],
)  # fmt: skip
def test_a_mark_is_inherited(checkout: Checkout, place: str, more: str, by: str, marked: set[str]) -> None:
    assert marks(checkout) == {}
    assert plan_of(checkout).personal == {}
    checkout.edit(P, place, place + more)
    found = marks(checkout)
    assert set(found) == marked
    assert all(by in each for each in found.values())
    assert plan_of(checkout).personal == {"shop": ("spend",)}


def test_a_person_is_in_all_that_is_about_them(checkout: Checkout) -> None:
    checkout.edit(P, ENTITY, "description: Who buys, personal: true}")
    assert set(marks(checkout)) == {"entity/customer", *RECENT_ALL, *TREND_ALL, "feature_service/spending", *MADE}


def test_a_view_ends_it_and_an_application_without_it_is_open(checkout: Checkout) -> None:
    checkout.edit(P, SOURCE, SOURCE + "    personal: true\n")
    checkout.edit(P, RECENT, RECENT + "    personal: false\n")
    checkout.edit("projects/shop/training/spend.yaml", "inputs: [orders]", "inputs: [recent]")
    assert set(marks(checkout)) == {"data_source/orders"}
    plan = plan_of(checkout)
    assert plan.node(VIEW).properties["personal"] == []
    assert plan.personal == {"shop": ()}


def test_examples_read_their_inputs_whatever_the_features_are(checkout: Checkout) -> None:
    checkout.edit(P, SOURCE, SOURCE + "    personal: [customer]\n")
    checkout.edit(P, RECENT, RECENT + "    personal: false\n")
    assert set(marks(checkout)) == {"data_source/orders", *MADE}


def test_a_field_that_no_service_takes_reaches_no_model(checkout: Checkout) -> None:
    checkout.edit(P, RECENT, RECENT + "    personal: [orders]\n")
    checkout.edit(P, TREND, TREND + "    personal: false\n")
    checkout.edit(P, "{recent: all, trend: [slope]}", "{recent: [mean_amount], trend: [slope]}")
    assert set(marks(checkout)) == RECENT_ALL


def test_a_mark_makes_nothing_anew(checkout: Checkout) -> None:
    before = plan_of(checkout)
    found = changes(checkout, P, SOURCE, SOURCE + "    personal: true\n")
    assert [node.data_digest for node in before.nodes] == [node.data_digest for node in plan_of(checkout).nodes]
    assert {each.properties for each in found.values()} == {("personal",)}


@pytest.mark.parametrize(
    ("edits", "where", "said"),
    [
        ([(SOURCE, SOURCE + "    personal: [costumer]\n")], "personal[0]", "did you mean customer"),
        ([(RECENT, RECENT + "    personal: [customer]\n")], "personal[0]", "unknown field"),
        ([(RECENT, RECENT + "    personal: yes please\n")], "personal", "allowed"),
        ([(RECENT, RECENT + "    personal: false\n"), (ENTITY, "description: Who, personal: true}")], "personal",
         "each row is about customer, which is personal: so is all of it"),
    ],
)  # fmt: skip
def test_mistakes_are_told(checkout: Checkout, edits: list[tuple[str, str]], where: str, said: str) -> None:
    for edit in edits:
        checkout.edit(P, *edit)
    with pytest.raises(SpecError) as error:
        load(checkout.root, "local")
    assert where in str(error.value)
    assert said in str(error.value)


USERS = "identity: {users: {ana: {name: Ana, email: a@example.org, groups: [a]}, ben: {name: B, email: b@example.org, groups: [b]}}}\n"  # noqa: E501


@pytest.mark.parametrize(
    ("grants", "wrong"),
    [
        ("{group: a, role: ml_engineer, projects: [shop]}", True),
        ("{group: a, role: viewer, projects: all, personal_data: true}, {group: b, role: ml_engineer, projects: all}",
         True),
        ("{group: a, role: ml_engineer, projects: [shop], personal_data: true}", False),
        ("{group: a, role: viewer, projects: all}, {group: a, role: ml_engineer, projects: all, personal_data: true}",
         False),
        ("{group: a, role: viewer, projects: [shop]}", False),
    ],
)  # fmt: skip
def test_who_is_served_personal_data_may_see_it(checkout: Checkout, grants: str, wrong: bool) -> None:
    checkout.write(S, (checkout.root / S).read_text() + USERS + f"access: [{grants}]\n")
    load(checkout.root, "local")
    checkout.edit(P, SOURCE, SOURCE + "    personal: true\n")
    if not wrong:
        load(checkout.root, "local")
        return
    with pytest.raises(SpecError, match=r"shop serves personal data \(spend\), and none who may ask it may see that"):
        load(checkout.root, "local")
