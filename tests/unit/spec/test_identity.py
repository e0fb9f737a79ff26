"""Users, service accounts and grants: what they come to, and what is wrong with them."""

import json
from pathlib import Path
from typing import Any

import pytest

from groundplan.identity.clients import clients
from groundplan.identity.declaration import from_json, subjects, to_json
from groundplan.spec import ROLES, Finding, StackSpec, in_stack

WHO = {
    "users": {"ana": {"name": "Ana Lima", "email": "ana@example.org", "groups": ["engineers", "all_of_us"]}},
    "service_accounts": {"ci": {"groups": ["deployers"]}},
}


def stack(access: Any = (), identity: Any = WHO, **more: Any) -> StackSpec:
    """A stack of that identity and access, as YAML would give it."""
    given = {"name": "x", "target": "local", "projects": ["flights"], "identity": identity, "access": list(access)}
    return StackSpec.model_validate_json(json.dumps({**given, **more}))


def grant(group: str, role: str, projects: Any) -> dict[str, Any]:
    """One grant."""
    return {"group": group, "role": role, "projects": projects}


def test_a_stack_without_identity_is_a_stack() -> None:
    plain = StackSpec.model_validate({"name": "x", "target": "local"})
    assert (plain.services.identity, plain.access, subjects(plain)) == ("local", (), ())


def test_roles_are_what_the_groups_of_somebody_hold() -> None:
    declared = stack(
        [
            grant("engineers", "ml_engineer", ["flights"]), grant("all_of_us", "viewer", "all"),
            grant("deployers", "platform_admin", "all"), grant("engineers", "viewer", ["flights"]),
        ]
    )  # fmt: skip
    assert [finding.what for finding in in_stack(declared)] == []
    ana, ci = subjects(declared)
    assert ana.roles == ("*:viewer", "flights:ml_engineer", "flights:viewer")
    assert (ci.roles, ci.email, ci.secret) == (("*:platform_admin",), None, "identity-client-ci")
    assert (ana.secret, ana.groups) == ("identity-user-ana", ("all_of_us", "engineers"))


def test_who_is_in_no_grant_holds_nothing() -> None:
    assert [one.roles for one in subjects(stack())] == [(), ()]


def test_a_declaration_survives_its_own_json() -> None:
    declared = subjects(stack([grant("engineers", "viewer", "all")]))
    assert from_json(to_json(declared)) == declared
    assert "\n" not in to_json(declared)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            {"access": [grant("enginers", "viewer", "all")]},
            Finding(
                ("access", 0, "group"), "unknown group", "enginers", "all_of_us, deployers, engineers",
                "did you mean engineers?",
            ),
        ),
        (
            {"access": [grant("engineers", "viewer", ["flights", "flight"])]},
            Finding(
                ("access", 0, "projects", 1), "is not in this stack", "flight", "flights", "did you mean flights?"
            ),
        ),
        (
            {"identity": {**WHO, "service_accounts": {"ana": {}}}},
            Finding(
                ("identity", "service_accounts", "ana"),
                "is a user and a service account: tokens could not tell them apart", "ana", fix="rename one of them",
            ),
        ),
        (
            {"identity": {"service_accounts": {"deployer": {}}}},
            Finding(
                ("identity", "service_accounts", "deployer"), "is the name of an actor of the platform's own",
                "deployer", fix="choose another name",
            ),
        ),
        (
            {"identity": {"service_accounts": {"ci": {}}}, "services": {"identity": "https://login.example.org/x"}},
            Finding(
                ("identity", "service_accounts"),
                "belongs to the stack's own issuer, and services.identity names another",
                fix="remove it, or services.identity: local",
            ),
        ),
    ],
)  # fmt: skip
def test_what_refers_to_nothing(given: dict[str, Any], expected: Finding) -> None:
    assert list(in_stack(stack(**given))) == [expected]


def test_groups_of_another_issuer_are_its_own_affair() -> None:
    named = {"identity": "https://login.example.org/realms/ml"}
    assert list(in_stack(stack([grant("whoever", "viewer", "all")], {}, services=named))) == []


@pytest.mark.parametrize("issuer", ["http://x", "locl", "https://", "https://x/?a=b", "https://x#y", "https://a b"])
def test_what_is_no_issuer(issuer: str) -> None:
    with pytest.raises(ValueError, match="identity"):
        stack(services={"identity": issuer})


@pytest.mark.parametrize("role", ["admin", "", "Viewer"])
def test_an_unknown_role(role: str) -> None:
    with pytest.raises(ValueError, match="viewer"):
        stack([grant("engineers", role, "all")])
    assert role not in ROLES


def test_the_documentation_says_what_each_role_is_for() -> None:
    text = (Path(__file__).parents[3] / "docs" / "identity.md").read_text()
    assert [line for line in text.splitlines() if line.startswith("| `")][: len(ROLES)] == [
        f"| `{role}` | {words} |" for role, words in ROLES.items()
    ]


def test_the_clients_of_an_issuer_lie_beside_it() -> None:
    found = clients("https://localhost:15408/identity")
    assert found["groundplan-web"].redirects == ("https://localhost:15408/catalogue/",)
    assert found["groundplan-cli"].redirects_to("http://[::1]:1024/callback")
    assert not found["groundplan-cli"].silent
