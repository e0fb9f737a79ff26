"""Teams, quotas, registries: what is wrong with them is one line that names the place and the fix."""

from typing import Any

import pytest
from pydantic import ValidationError

from groundplan.spec import StackSpec, in_stack, namespace_of, teams_of
from groundplan.spec.tenancy import bytes_of, canonical

STACK: dict[str, Any] = {"name": "x", "target": "kind", "projects": ("churn", "flights")}
GITOPS = {"repository": "https://git.example.org/x", "path": "rendered/x"}
FALCO = {"falco": {"image": "registry.example.org/falco@sha256:" + "0" * 64}}


def told(**fields: Any) -> list[tuple[str, str, str | None]]:
    """What is wrong with a stack: (path, what, fix)."""
    found = in_stack(StackSpec.model_validate(STACK | fields))
    return [(".".join(map(str, each.path)), each.what, each.fix) for each in found]


BOTH = {"core": {"projects": ("churn", "flights")}}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, []),
        ({"teams": BOTH}, []),
        (
            {"teams": {"core": {"projects": ("churn", "fligths")}}},
            [
                ("teams.core.projects.1", "is not in this stack", "did you mean flights?"),
                ("teams", "a project of this stack is in no team", "add it to the projects of a team"),
            ],
        ),
        (
            {"teams": {**BOTH, "text": {"projects": ("churn",)}}},
            [("teams.text.projects.0", "is in team core already", "remove one")],
        ),
        (
            {"teams": {"core": {**BOTH["core"], "limits": {"memory": "33Gi"}}}},
            [
                (
                    "teams.core.limits.memory",
                    "is more than the team's quota: no pod could ever ask for it",
                    "lower it, or raise the quota",
                )
            ],
        ),
        (
            {"teams": {**BOTH, "kube_system": {}}},
            [("teams.kube_system", "is a namespace of the cluster's own", "choose another name")],
        ),
        (
            {"security": {"certificates": {}}},
            [
                (
                    "security.certificates",
                    "makes the issuer that cluster.ingress.issuer names, and none is named",
                    "name one, or remove certificates",
                )
            ],
        ),
        (
            {
                "target": "kubernetes",
                "kubernetes": {"context": "production"},
                "security": {"certificates": {"acme_email": "ops@example.org"}},
                "cluster": {"ingress": {"host": "ml.example.org", "issuer": "groundplan"}},
            },
            [],
        ),
        (
            {"target": "local", "teams": BOTH},
            [
                (
                    "teams",
                    "needs a cluster, and this stack's target is local",
                    "remove teams, or choose target: kind, kubernetes or aws",
                )
            ],
        ),
        (
            {"target": "local", "gitops": GITOPS, "security": FALCO},
            [
                (
                    key,
                    "needs a cluster, and this stack's target is local",
                    f"remove {key}, or choose target: kind, kubernetes or aws",
                )
                for key in ("security", "gitops")
            ],
        ),
    ],
)
def test_what_is_wrong_is_told(fields: dict[str, Any], expected: list[tuple[str, str, str]]) -> None:
    assert told(**fields) == expected


@pytest.mark.parametrize(
    "fields",
    [
        {"teams": {"core": {"quota": {"memory": "32G"}}}},
        {"teams": {"core": {"quota": {"cpus": 0.0}}}},
        {"teams": {"core": {"reaches": ({"to": "10.0.0.0", "ports": (1,), "why": "x"},)}}},
        {"teams": {"core": {"reaches": ({"to": "10.0.0.0/8", "ports": (), "why": "x"},)}}},
        {"admission": {"mode": "off"}},
        {"admission": {"registries": ("https://registry.example.org",)}},
        {"admission": {"registries": ("registry.example.org/",)}},
        {"security": {"falco": {"image": "falco:latest"}}},
        {"security": {"trivy": {"image": FALCO["falco"]["image"]}}},
        {"gitops": {**GITOPS, "path": "../x"}},
        {"gitops": {**GITOPS, "repository": "https://user:secret@git.example.org/x"}},
    ],
)
def test_what_is_no_value(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        StackSpec.model_validate(STACK | fields)


def test_without_teams_each_project_is_one() -> None:
    found = teams_of({}, ("flights", "churn"))
    assert list(found) == ["churn", "flights"]
    assert found["churn"].projects == ("churn",)


@pytest.mark.parametrize(
    ("given", "size", "written"),
    [("1Gi", 2**30, "1Gi"), ("1024Mi", 2**30, "1Gi"), ("1536Mi", 1536 * 2**20, "1536Mi"), ("2048Gi", 2**41, "2Ti")],
)
def test_quantities_are_written_as_the_api_server_does(given: str, size: int, written: str) -> None:
    assert (bytes_of(given), canonical(given)) == (size, written)


def test_namespaces_have_no_underscores() -> None:
    assert namespace_of("text_mining", "acme-") == "acme-text-mining"
