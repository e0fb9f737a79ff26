"""From a rule to Envoy's RBAC: what the path must say of the project, and what the token must say of the caller."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from groundplan.gateway.browser import asked_rightly
from groundplan.gateway.settings import Settings
from groundplan.spec.access import Rule
from groundplan.spec.browser import PAGES
from groundplan.spec.personal import ATTRIBUTE

RBAC = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3"
JWT = "envoy.filters.http.jwt_authn"
#: The only signatures that count; the issuer's keys say which one is theirs.
ALGORITHMS = ("RS256", "ES256")


def deny_all() -> dict[str, Any]:
    """Return the filter's own configuration: what no route's rule allows is denied."""
    return {"@type": f"{RBAC}.RBAC", "rules": {"action": "ALLOW", "policies": {}}}


def route_policy(rule: Rule, settings: Settings) -> dict[str, Any]:
    """Return one route's configuration of the filter: its rule, project by project."""
    policies = _policies(rule, settings.projects, settings.personal)
    if rule.upstream in PAGES:
        rightly = asked_rightly(rule.upstream, _audience, settings.port)
        for policy in policies.values():
            policy["principals"] = [{"and_ids": {"ids": [*policy["principals"], rightly]}}]
    rules = {"action": "ALLOW", "policies": policies}
    return {"@type": f"{RBAC}.RBACPerRoute", "rbac": {"rules": rules}}


def _policies(rule: Rule, projects: Sequence[str], personal: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    anything = [{"any": True}]
    if rule.scope == "open":
        return {rule.name: {"permissions": anything, "principals": anything}}
    sees = sorted(personal) if rule.reveals == "anything" else []
    if rule.scope == "stack":
        return {rule.name: {"permissions": anything, "principals": [_holds(rule, ["*"], sees)]}}
    if rule.scope == "any":
        return {rule.name: {"permissions": anything, "principals": [_holds(rule, [*projects, "*"], sees)]}}
    found: dict[str, Any] = {}
    for project in projects:
        closed = personal.get(project, ()) if rule.reveals == "application" else ()
        whole = [project] if rule.reveals == "project" and project in personal else []
        found |= _of_project(rule, project, [*sees, *whole], closed)
    return found


def _of_project(rule: Rule, project: str, sees: Sequence[str], closed: Sequence[str]) -> dict[str, Any]:
    """The project's paths, but those of the applications that are closed: those need the attribute, too."""
    paths = {name: _path(rule.pattern(project=project, application=name)) for name in closed}
    open_ = [_path(rule.pattern(project=project)), *({"not_rule": path} for path in paths.values())]
    policies = {f"{rule.name}:{project}": {
        "permissions": [{"and_rules": {"rules": open_}}], "principals": [_holds(rule, [project, "*"], sees)],
    }}  # fmt: skip
    for name, path in paths.items():
        principals = [_holds(rule, [project, "*"], [*sees, project])]
        policies[f"{rule.name}:{project}/{name}"] = {"permissions": [path], "principals": principals}
    return policies


def _path(pattern: str) -> dict[str, Any]:
    return {"url_path": {"path": {"safe_regex": {"regex": pattern}}}}


def _holds(rule: Rule, where: Sequence[str], sees: Sequence[str] = ()) -> dict[str, Any]:
    """A role of the rule in one of these projects, which are named: nothing that looks like one counts. With it, the
    attribute in each project whose personal data the answer may hold."""
    held = _says(f"(?:{'|'.join(map(re.escape, where))}):(?:{'|'.join(rule.roles)})")
    seen = [_says(rf"(?:{re.escape(project)}|\*):{ATTRIBUTE}") for project in sees]
    signed = _claim(["header", "alg"], {"string_match": {"safe_regex": {"regex": "|".join(ALGORITHMS)}}})
    return {"and_ids": {"ids": [held, signed, *seen]}}


def _says(roles: str) -> dict[str, Any]:
    return _claim(["payload", "roles"], {"list_match": {"one_of": {"string_match": {"safe_regex": {"regex": roles}}}}})


def _audience(name: str) -> dict[str, Any]:
    return _claim(["payload", "aud"], {"string_match": {"exact": name}})


def _claim(path: list[str], value: dict[str, Any]) -> dict[str, Any]:
    keys = [{"key": key} for key in path]
    return {"sourced_metadata": {"metadata_matcher": {"filter": JWT, "path": keys, "value": value}}}
