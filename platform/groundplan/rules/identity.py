"""Rules about who a pod is and what it serves: its account, its token, its secrets, its pair version."""

import re
from collections.abc import Mapping
from typing import Any

from groundplan.rules.model import Rule, Settings

Part = Mapping[str, Any]
#: A pod with this label says that it talks to the API server, so that its token is seen in review.
TOKEN_LABEL = "groundplan.dev/api-token"  # noqa: S105 - the name of a label
COMPONENT_LABEL = "app.kubernetes.io/component"
PAIR_LABEL = "groundplan.dev/pair-version"
#: A number for pods that answer with one pair version; ``per-request`` for those that pin one for each request.
_PAIR = re.compile(r"^([1-9][0-9]{0,8}|per-request)$")
_SECRET = re.compile(r"(PASSWORD|PASSWD|SECRET|TOKEN|API_KEY|PRIVATE_KEY)$")


def _labels(template: Part) -> Part:
    return (template.get("metadata") or {}).get("labels") or {}


def _own_account(template: Part, _: Settings) -> bool:
    return template["spec"].get("serviceAccountName", "default") not in ("", "default")


def _no_token(template: Part, _: Settings) -> bool:
    return template["spec"].get("automountServiceAccountToken") is False or _labels(template).get(TOKEN_LABEL) == "true"


def _pair_version(template: Part, _: Settings) -> bool:
    labels = _labels(template)
    return labels.get(COMPONENT_LABEL) != "serving" or bool(_PAIR.match(labels.get(PAIR_LABEL, "")))


def is_secret(name: str) -> bool:
    """Tell whether an environment variable's name says that its value is a secret."""
    return bool(_SECRET.search(name))


def _no_plain_secret(container: Part, _: Settings) -> bool:
    return not any(is_secret(each["name"]) and each.get("value", "") for each in container.get("env") or ())


DEFAULT_ACCOUNT = Rule(
    "default-account",
    "a pod that runs as the namespace's default account",
    "What one workload is allowed, all others of the namespace would be allowed too.",
    "give the workload a service account and name it in serviceAccountName",
    "template",
    "has(t.spec.serviceAccountName) && t.spec.serviceAccountName != '' && t.spec.serviceAccountName != 'default'",
    _own_account,
)
API_TOKEN = Rule(
    "api-token",
    "a pod that mounts a token of the API server and does not say why",
    "A token that nothing needs is only of use to an intruder.",
    f"set automountServiceAccountToken: false, or label the pod {TOKEN_LABEL}: 'true'",
    "template",
    "(has(t.spec.automountServiceAccountToken) && !t.spec.automountServiceAccountToken)"
    " || (has(t.metadata) && has(t.metadata.labels)"
    f" && '{TOKEN_LABEL}' in t.metadata.labels && t.metadata.labels['{TOKEN_LABEL}'] == 'true')",
    _no_token,
)
UNPAIRED_SERVING = Rule(
    "unpaired-serving",
    "a serving pod that does not say which pair version it answers with",
    "Preprocessor and model must be one version in every answer; a pod that can't tell can't promise that.",
    f"label it {PAIR_LABEL}: the number, or per-request where the runtime pins a pair for each request",
    "template",
    f"!has(t.metadata) || !has(t.metadata.labels) || !('{COMPONENT_LABEL}' in t.metadata.labels)"
    f" || t.metadata.labels['{COMPONENT_LABEL}'] != 'serving' || ('{PAIR_LABEL}' in t.metadata.labels"
    f" && t.metadata.labels['{PAIR_LABEL}'].matches('^([1-9][0-9]{{0,8}}|per-request)$'))",
    _pair_version,
)
PLAIN_SECRET = Rule(
    "plain-secret",
    "a secret written into the environment of a container",
    "Everybody who may look at the pod reads it; it is in the state and in every log of it.",
    "mount the Secret as a file, or take it with valueFrom.secretKeyRef",
    "container",
    "!has(c.env) || c.env.all(e, !e.name.matches('(PASSWORD|PASSWD|SECRET|TOKEN|API_KEY|PRIVATE_KEY)$')"
    " || !has(e.value) || e.value == '')",
    _no_plain_secret,
)
