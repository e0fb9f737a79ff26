"""Gates and aliases as people write them: each mistake one line, at its place; and what the plan makes of them."""

import pytest
from tests.support.checkout import Checkout
from tests.unit.compose.test_mistakes import problems

from groundplan.compose import load
from groundplan.plan import Node, build_plan
from groundplan.spec import gate_words

T, P = "projects/shop/training/spend.yaml", "projects/shop/project.yaml"
GATES = "[{metric: mae, better_than: baseline}]"
PLACE = "training.spend.aliases.production.gates[0]"


def alias(checkout: Checkout) -> Node:
    """The plan's node of the gated alias."""
    return build_plan(*load(checkout.root, "local")).node("shop/alias/spend@production")


@pytest.mark.parametrize(
    ("gate", "path", "says"),
    [
        ("{metric: mae}", PLACE, ("one bound", "got none", "below, above, better_than")),
        ("{metric: mae, below: 2, above: 1}", PLACE, ("one bound", "got below, above")),
        ("{metric: mae, below: 2, by: 1}", f"{PLACE}.by", ("belongs to better_than",)),
        ("{metric: mae, belw: 2}", f"{PLACE}.belw", ("unknown key", "did you mean below?")),
        ("{metric: mea, below: 2}", f"{PLACE}.metric", ("mae, rmse, r2", "did you mean mae?")),
        ("{metric: mae, below: low}", f"{PLACE}.below", ("must be a number",)),
        ("{metric: mae, better_than: staging}", f"{PLACE}.better_than", ("baseline, production",)),
        ("{contract: {between: [1]}}", f"{PLACE}.contract.between", ("a lower and a higher bound",)),
        ("{contract: {between: [2, 1], requests: [[{customer: a}]]}}", f"{PLACE}.contract.between", ("[2, 1]",)),
        ("{contract: {between: [1, 2]}}", f"{PLACE}.contract", ("has an example to ask for",)),
        (
            "{contract: {between: [1, 2], requests: [[{who: a}]]}}",
            f"{PLACE}.contract.requests[0][0]",
            ("each join key once", "allowed: customer"),
        ),
        ("{contract: {between: [1, 2], requests: [[]]}}", f"{PLACE}.contract.requests[0]", ("is empty",)),
        ("{contract: {betwen: [1, 2]}}", f"{PLACE}.contract.between", ("is required",)),
        ("{approval: {by: ann}}", f"{PLACE}.approval.by", ("must be a list",)),
        ("{approval: {who: [ann]}}", f"{PLACE}.approval.who", ("unknown key", "allowed: by")),
    ],
)
def test_a_mistake_in_a_gate_is_one_line(checkout: Checkout, gate: str, path: str, says: tuple[str, ...]) -> None:
    checkout.edit(T, GATES, f"[{gate}]")
    found = {problem.path: str(problem) for problem in problems(checkout)}
    assert path in found, found
    assert all(part in found[path] for part in says), found[path]


def test_production_must_be_there_to_be_better_than(checkout: Checkout) -> None:
    checkout.edit(T, f"production: {{follow: latest, gates: {GATES}}}", "x: {follow: latest}")
    checkout.edit(T, "latest: {follow", "latest: {gates: [{metric: mae, better_than: production}], follow")
    found = [str(problem) for problem in problems(checkout)]
    assert any("declares no alias production" in line for line in found), found


@pytest.mark.parametrize(("one", "other"), [("latest", "latest_pair"), ("v3", "v3_pair")])
def test_two_aliases_of_one_name_in_mlflow_are_refused(checkout: Checkout, one: str, other: str) -> None:
    checkout.edit(T, "latest: {follow", f"{one}: {{follow: latest}}\n    {other}: {{follow")
    (problem,) = problems(checkout)
    assert problem.path == f"training.spend.aliases.{other}"
    assert f"is what {one} is called in MLflow" in str(problem)


def test_a_contract_asks_what_serving_gives_as_examples_once_the_features_are_online(checkout: Checkout) -> None:
    checkout.edit(P, "    model: spend\n", "    model: spend\n    example: [{customer: ann}, {customer: ben}]\n")
    checkout.edit(T, GATES, "[{contract: {between: [0, 5]}}]")
    node = alias(checkout)
    (gate,) = node.properties["gates"]
    assert gate["contract"] == {"between": [0.0, 5.0], "requests": [[{"customer": "ann"}, {"customer": "ben"}]]}
    assert set(node.after) == {"shop/materialization/recent", "shop/materialization/trend"}
    assert gate_words(gate) == "1 sample request answered between 0 and 5"


def test_defaults_of_a_gate_change_nothing(checkout: Checkout) -> None:
    plain = alias(checkout)
    assert plain.properties["gates"] == ({"metric": "mae", "better_than": "baseline"},) or plain.properties[
        "gates"
    ] == [{"metric": "mae", "better_than": "baseline"}]
    assert plain.after == ()
    checkout.edit(T, "better_than: baseline}", "better_than: baseline, by: 0.0}")
    assert alias(checkout).digest == plain.digest


@pytest.mark.parametrize(
    ("gate", "words"),
    [
        ({"metric": "mae", "below": 20.0}, "mae below 20"),
        ({"metric": "r2", "above": 0.2}, "r2 above 0.2"),
        ({"metric": "mae", "better_than": "baseline", "by": 0.5}, "mae better than baseline by 0.5"),
        ({"metric": "mae", "better_than": "production"}, "mae better than production on the same data"),
        ({"approval": {}}, "an approval by somebody else"),
        ({"approval": {"by": ["ann", "ben"]}}, "an approval by ann or ben"),
    ],
)
def test_gates_in_words(gate: dict[str, object], words: str) -> None:
    assert gate_words(gate) == words
