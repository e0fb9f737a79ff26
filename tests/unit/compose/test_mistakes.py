"""Every mistake is one line: file, line, path, value, allowed, fix."""

from dataclasses import dataclass

import pytest
from tests.support.checkout import Checkout

from groundplan.compose import load
from groundplan.errors import Problem, SpecError

P, T, S = "projects/shop/project.yaml", "projects/shop/training/spend.yaml", "stacks/local.yaml"


def problems(checkout: Checkout, env: str = "local") -> tuple[Problem, ...]:
    with pytest.raises(SpecError) as caught:
        load(checkout.root, env)
    return caught.value.problems


@dataclass
class Case:
    """One edit, and the problem it makes: its path, the text of its line, parts of the message."""

    file: str
    old: str
    new: str
    path: str
    at: str
    says: tuple[str, ...]


CASES = [
    Case(P, "team: core", "team: core\nteem: x", "teem", "teem: x", ("unknown key", "got teem", "did you mean team?")),
    Case(P, "ttl: 28d", "ttl: 28x", "feature_views.recent.ttl", "ttl: 28x", ("got 28x", "as in 30m")),
    Case(P, "ttl: 28d", "ttl: 28", "feature_views.recent.ttl", "ttl: 28", ("must be text",)),
    Case(P, "{slope: float64}", "{slope: double}", "feature_views.trend.fields.slope", "slope: dou", ("float64",)),
    Case(
        P,
        "{slope: float64}",
        "{customer: string}",
        "feature_views.trend.fields.customer",
        "{customer: string}",
        ("join key",),
    ),
    Case(P, "[slope]", "[slop]", "feature_services.spending.views.trend[0]", "[slop]", ("did you mean slope?",)),
    Case(P, "recent: all", "recent: 3", "feature_services.spending.views.recent", "recent: 3", ("all, or a list",)),
    Case(P, "recent: all", "recnt: all", "feature_services.spending.views.recnt", "recnt", ("did you mean recent?",)),
    Case(P, "model: spend\n", "model: spent\n", "serving.spend.model", "model: spent", ("unknown model", "spend")),
    Case(
        P, "model: spend\n", "model: spend\n    alias: x\n", "serving.spend.alias", "alias: x", ("latest, production",)
    ),
    Case(P, "replicas: 2", "replicas: true", "serving.spend.tiers.model.replicas", "true", ("whole number",)),
    Case(P, "cpus: 0.5", "cpus: 0", "serving.spend.tiers.model.cpus", "cpus: 0", ("out of range", "more than 0")),
    Case(P, "name: shop\n", "name: shopp\n", "name", "name: shopp", ("name of the folder", "allowed: shop")),
    Case(P, "name: shop\n", "name: shop\nname: b\n", "name", "name: b", ("written twice",)),
    Case(P, "training: [spend]", "training: [spent]", "defaults", "spent", ("training/spent", "allowed: spend")),
    Case(P, "path: data/orders.csv", "path: data/ordrs.csv", "data_sources.orders.path", "ordrs", ("did you mean",)),
    Case(P, "path: data/orders.csv", "path: ../orders.csv", "data_sources.orders.path", "../", ("inside the project",)),
    Case(P, "kind: csv", "kind: python", "data_sources.orders", "orders:", ("needs python",)),
    Case(P, "features/recent.sql", "features/recnt.sql", "feature_views.recent.sql", "recnt", ("features/recent.sql",)),
    Case(P, "features/recent.sql", "/etc/recent.sql", "feature_views.recent.sql", "/etc", ("inside the project",)),
    Case(P, "trend.py:build", "trend.py:bild", "feature_views.trend.python", "bild", ("did you mean build?",)),
    Case(
        P, "inputs: [orders]", "inputs: [trend]", "feature_views.recent.inputs", "[trend]", ("recent → trend → recent",)
    ),
    Case(
        P, "inputs: [orders]", "inputs: [nope]", "feature_views.recent.inputs[0]", "[nope]", ("orders, recent, trend",)
    ),
    Case(P, "  orders:\n", "  recent:\n", "feature_views.recent", "  recent:\n    ent", ("both are tables",)),
    Case(P, "What customers spend", "${no.such}", "description", "${no.such}", ("Interpolation key",)),
    Case(P, "description: What customers spend", "description: ???", "description", "???", ("a value must be given",)),
    Case(
        P, "model: spend\n", "model: spend\n    example: [{x: 1}]\n", "serving.spend.example[0]", "x: 1", ("customer",)
    ),
    Case(T, "feature_service: spending", "feature_service: x", "training.spend.feature_service", ": x", ("spending",)),
    Case(T, "recent__mean_amount", "recent__mean", "training.spend.baseline", "baseline", ("recent__mean_amount",)),
    Case(
        T, "categorical: [customer]", "categorical: [x]", "training.spend.preprocessor.categorical[0]", "[x]", ("key",)
    ),
    Case(T, "2024-03-01T00:00:00Z", "2024-03-01", "training.spend.as_of", "as_of", ("2014-01-01T00:00:00Z",)),
    Case(T, "alpha: 0.5", "alhpa: 0.5", "training.spend.hyperparameters.alhpa", "alhpa", ("unknown", "mean alpha?")),
    Case(T, "alpha: 0.5", "alpha: .inf", "training.spend.hyperparameters.alpha", ".inf", ("not a finite number",)),
    Case(T, "latest: {follow: latest}", "latest: {}", "training.spend.aliases.latest", "latest: {}", ("version",)),
    Case(T, "kind: linear", "kind: python", "training.spend", "spend:", ("needs python:",)),
    Case(
        S, "projects: [shop]", "projects: [shop, shpo]", "projects[1]", "shpo", ("allowed: shop", "did you mean shop?")
    ),
    Case(S, "projects: [shop]", "projects: [shop, shop]", "projects[1]", "shop", ("listed twice",)),
    Case(S, "projects: [shop]", "projects: [stack]", "projects[0]", "[stack]", ("name of the stack's own part",)),
    Case(S, "target: local", "target: ec2", "target", "target: ec2", ("not one of the values", "local, kind")),
    Case(S, "name: local", "name: prod", "name", "prod", ("name of the file",)),
    Case(
        S,
        "target: local",
        "target: local\nidentity: {users: {ana: {name: Ana, email: ana, groups: [core]}}}",
        "identity.users.ana.email",
        "email: ana",
        ("as in ana@example.org",),
    ),
    Case(
        S,
        "target: local",
        "target: local\nidentity: {users: {ana: {name: Ana, email: a@b.c, groups: [core]}}}\n"
        "access:\n  - {group: cor, role: viewer, projects: all}",
        "access[0].group",
        "group: cor",
        ("unknown group", "did you mean core?"),
    ),
    Case(
        S,
        "target: local",
        "target: local\nidentity: {users: {ana: {name: Ana, email: a@b.c, groups: [core]}}}\n"
        "access:\n  - {group: core, role: viewer, projects: [shop, shpo]}",
        "access[0].projects[1]",
        "shpo",
        ("not in this stack", "did you mean shop?"),
    ),
    Case(
        S,
        "target: local",
        "target: local\naccess:\n  - {group: core, role: vewer, projects: all}",
        "access[0].role",
        "vewer",
        ("platform_admin", "did you mean viewer?"),
    ),
    Case(
        S,
        "target: local",
        "target: local\nservices: {identity: 'http://login.example.org'}",
        "services.identity",
        "http://login",
        ("local, or an issuer's address",),
    ),
    Case(S, "20000}", "20000, ports: {mlfow: 5000}}", "local.ports.mlfow", "mlfow", ("did you mean mlflow?",)),
    Case(S, "20000}", "20000, ports: {mlflow: 20001}}", "local.ports", "ports", ("objects and mlflow", "20001")),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.path}: {c.new.strip()[:30]}")
def test_a_mistake_is_named_with_its_place(checkout: Checkout, case: Case) -> None:
    checkout.edit(case.file, case.old, case.new)
    found = [p for p in problems(checkout) if p.path == case.path]
    assert found, [str(p) for p in problems(checkout)]
    lines = (checkout.root / case.file).read_text()
    expected = lines[: lines.index(case.at) + len(case.at.split("\n")[0])].count("\n") + 1
    assert (found[0].file, found[0].line) == (case.file, expected)
    assert all(text in str(found[0]) for text in case.says), str(found[0])
    assert "\n" not in str(found[0])


def test_all_mistakes_are_told_at_once(checkout: Checkout) -> None:
    checkout.edit(P, "ttl: 28d", "ttl: soon")
    checkout.edit(P, "[slope]", "[slop]")
    checkout.edit(P, "owner: shop@example.org\n", "")
    checkout.edit(T, "feature_service: spending", "feature_service: spendin")
    checkout.edit(T, "sql: training/examples.sql, ", "")
    checkout.edit(S, "target: local", "target: local\ncolour: red")
    assert {p.path for p in problems(checkout)} == {
        "feature_views.recent.ttl",
        "feature_services.spending.views.trend[0]",
        "owner",
        "training.spend.feature_service",
        "training.spend.examples.sql",
        "colour",
    }


def test_a_mistake_hides_what_only_follows_from_it(checkout: Checkout) -> None:
    checkout.edit(P, "fields: {mean_amount: float64, orders: int64}", "fields: {}")
    assert [p.path for p in problems(checkout)] == ["feature_views.recent.fields"]


def test_an_unknown_environment_names_those_there_are(checkout: Checkout) -> None:
    checkout.write("stacks/Pulumi.local.yaml", "config: {}\n")
    (problem,) = problems(checkout, "locl")
    assert (problem.value, problem.allowed, problem.fix) == ("locl", "local", "did you mean local?")


def test_python_that_does_not_parse_is_named_by_its_own_line(checkout: Checkout) -> None:
    checkout.write("projects/shop/features/trend.py", "def build(recent):\n    return (\n")
    (problem,) = problems(checkout)
    assert (problem.file, problem.line) == ("projects/shop/features/trend.py", 2)


def test_models_of_two_projects_that_would_share_a_registered_name(checkout: Checkout) -> None:
    copy = {
        p.relative_to(checkout.root / "projects/shop"): p.read_text()
        for p in (checkout.root / "projects/shop").rglob("*.*")
    }
    for path, text in copy.items():
        checkout.write(f"projects/shop_a/{path}", text.replace("name: shop\n", "name: shop_a\n"))
    checkout.edit(T, "spend:\n  kind", "a_spend:\n  kind")
    checkout.edit(P, "model: spend\n", "model: a_spend\n")
    checkout.edit(S, "[shop]", "[shop, shop_a]")
    (problem,) = problems(checkout)
    assert "shop_a_spend" in problem.what
    assert problem.file == "projects/shop_a/training/spend.yaml"
