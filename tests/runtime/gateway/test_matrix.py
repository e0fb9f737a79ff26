"""Every role × every rule × own and other project, against the running gateway."""

import re
from collections.abc import Iterator

import pytest

from groundplan.controlplane.identity import from_header
from groundplan.spec.access import INHERITS, RULES, Rule, allowed
from tests.runtime.gateway.conftest import SECRETS, Stage

WORDS = {"application": "delay", "model": "delay", "kind": "entity", "name": "origin", "alias": "delay@production",
         "verb": "move", "version": "3", "decision": "approve", "digest": "0" * 16, "hash": "0" * 64,
         "operation": "delay:0f0f:2", "api": "api"}  # fmt: skip
OWN, OTHER = "flights", "other"


def path_of(rule: Rule, project: str) -> str:
    """A path that the rule is about."""
    path = re.sub(r"\{(\w+)\*?\}", lambda found: {**WORDS, "project": project}[found.group(1)], rule.path)
    return path.replace("/***", "/s3%3A%2F%2Fbucket/x").replace("/**", "/some/thing")


def cases(rule: Rule) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Method, project of the path, roles of the caller."""
    for method in rule.methods:
        for project in (OWN, OTHER):
            yield method, project, ()
            for role in INHERITS:
                yield method, project, (f"{OWN}:{role}",)
                yield method, project, (f"*:{role}",)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_gateway_does_what_the_table_says(stage: Stage, rule: Rule) -> None:
    for method, project, roles in cases(rule):
        path = path_of(rule, project)
        answer = stage.ask(method, path, *roles, sub=f"{rule.name}-{project}-{'-'.join(roles)}")
        reached = stage.reached()
        case = f"{method} {path} by {roles}: {answer.status_code} {answer.text}"
        if allowed(rule, roles, project):
            assert answer.status_code == 200, case
            assert len(reached) == 1, case
        else:
            assert answer.status_code == 403, case
            assert not reached, case


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_nobody_passes_without_a_token_but_where_it_is_open(stage: Stage, rule: Rule) -> None:
    for method in rule.methods:
        answer = stage.http.request(method, path_of(rule, OWN))
        assert (answer.status_code == 200) == (rule.scope == "open"), f"{method} {rule.name}: {answer.status_code}"
        assert bool(stage.reached()) == (rule.scope == "open")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_methods_that_the_table_does_not_name_are_denied(stage: Stage, rule: Rule) -> None:
    path = path_of(rule, OWN)
    named = {method for each in RULES if re.fullmatch(each.pattern(), path) for method in each.methods}
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"} - named:
        assert stage.ask(method, path, "*:platform_admin").status_code in (403, 404), method
    assert not stage.reached()


def test_what_reaches_a_service_says_who_asked_and_that_it_came_through(stage: Stage) -> None:
    forged = {"x-groundplan-identity": "forged", "X-Groundplan-Gateway": "forged", "x-groundplan-actor": "root"}
    stage.ask("GET", "/v1/status", "flights:viewer", headers=forged)
    (seen,) = stage.reached()
    assert seen.header("x-groundplan-gateway") == [SECRETS["gateway-token"]]
    assert not seen.header("authorization")
    assert not seen.header("x-groundplan-actor")
    (identity,) = seen.header("x-groundplan-identity")
    who = from_header(identity)
    assert (who.sub, who.roles) == ("ana", frozenset({"flights:viewer"}))
    assert who.may("viewer", "flights")
    assert not who.may("viewer", "other")


@pytest.mark.parametrize(("path", "service", "token"), [
    ("/mlflow/api/2.0/mlflow/runs/get?run_id=1", "mlflow", "for-mlflow"), ("/ray/api/jobs/", "ray", "for-ray"),
    ("/feast/flights/health", "feast", "for-feast"),
])  # fmt: skip
def test_services_with_tokens_of_their_own_get_those(stage: Stage, path: str, service: str, token: str) -> None:
    assert stage.ask("GET", path, "*:platform_admin").status_code == 200
    (seen,) = stage.reached()
    assert (seen.service, seen.path) == (service, path.removeprefix(f"/{service}"))
    assert seen.header("authorization") == [f"Bearer {token}"]


def test_an_application_of_one_process_is_reached_at_its_own_port(stage: Stage) -> None:
    for application, service in (("delay", "serve"), ("solo", "solo")):
        path = f"/serve/other/{application}/predict/feast/batch"
        assert stage.ask("POST", path, "other:data_scientist", json={"entities": []}).status_code == 200
        (seen,) = stage.reached()
        assert (seen.service, seen.path) == (service, path.removeprefix("/serve"))
        assert seen.header("x-groundplan-gateway") == [SECRETS["serving-token"]]
