"""From a rule to Envoy's RBAC: what the path must say of the project, and what the token must say of the caller."""

import re
from collections.abc import Sequence
from typing import Any

from groundplan.spec.access import Rule

RBAC = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3"
JWT = "envoy.filters.http.jwt_authn"
#: The only signatures that count; the issuer's keys say which one is theirs.
ALGORITHMS = ("RS256", "ES256")


def deny_all() -> dict[str, Any]:
    """Return the filter's own configuration: what no route's rule allows is denied."""
    return {"@type": f"{RBAC}.RBAC", "rules": {"action": "ALLOW", "policies": {}}}


def route_policy(rule: Rule, projects: Sequence[str]) -> dict[str, Any]:
    """Return one route's configuration of the filter: its rule, project by project."""
    rules = {"action": "ALLOW", "policies": _policies(rule, projects)}
    return {"@type": f"{RBAC}.RBACPerRoute", "rbac": {"rules": rules}}


def _policies(rule: Rule, projects: Sequence[str]) -> dict[str, Any]:
    anything = [{"any": True}]
    if rule.scope == "open":
        return {rule.name: {"permissions": anything, "principals": anything}}
    if rule.scope == "stack":
        return {rule.name: {"permissions": anything, "principals": [_holds(rule, "*")]}}
    if rule.scope == "any":
        return {rule.name: {"permissions": anything, "principals": [_holds(rule, *projects, "*")]}}
    return {
        f"{rule.name}:{project}": {
            "permissions": [{"url_path": {"path": {"safe_regex": {"regex": rule.pattern(project=project)}}}}],
            "principals": [_holds(rule, project, "*")],
        }
        for project in projects
    }


def _holds(rule: Rule, *where: str) -> dict[str, Any]:
    """A role of the rule in one of these projects, which are named: nothing that looks like one counts."""
    roles = f"(?:{'|'.join(map(re.escape, where))}):(?:{'|'.join(rule.roles)})"
    held = _claim(["payload", "roles"], {"list_match": {"one_of": {"string_match": {"safe_regex": {"regex": roles}}}}})
    signed = _claim(["header", "alg"], {"string_match": {"safe_regex": {"regex": "|".join(ALGORITHMS)}}})
    return {"and_ids": {"ids": [held, signed]}}


def _claim(path: list[str], value: dict[str, Any]) -> dict[str, Any]:
    keys = [{"key": key} for key in path]
    return {"sourced_metadata": {"metadata_matcher": {"filter": JWT, "path": keys, "value": value}}}
