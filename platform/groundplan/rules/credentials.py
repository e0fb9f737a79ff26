"""A rule about what runs are given: in a team's namespace it lies beside what people of the team start themselves."""

from collections.abc import Iterator, Mapping
from typing import Any

from groundplan.rules.model import Rule, Settings, containers_of

Part = Mapping[str, Any]
#: The Secret with what a run needs of the platform, in every team's namespace.
RUN_SECRETS = "run-secrets"
#: What the names of the accounts end in that runs have: a cloud gives them rights by their names.
RUN_ACCOUNT = "-run"


def _not_a_runs(template: Part, _: Settings) -> bool:
    account = str(template["spec"].get("serviceAccountName") or "")
    return not account.endswith(RUN_ACCOUNT) and RUN_SECRETS not in set(_secrets(template))


def _secrets(template: Part) -> Iterator[str]:
    """Yield the name of every Secret that a pod would read."""
    for volume in template["spec"].get("volumes") or ():
        yield (volume.get("secret") or {}).get("secretName", "")
        for source in (volume.get("projected") or {}).get("sources") or ():
            yield (source.get("secret") or {}).get("name", "")
    for container in containers_of(template, every=True):
        for variable in container.get("env") or ():
            yield ((variable.get("valueFrom") or {}).get("secretKeyRef") or {}).get("name", "")
        for source in container.get("envFrom") or ():
            yield (source.get("secretRef") or {}).get("name", "")


#: The control plane, which makes the Jobs of runs, and Kubernetes' own controllers, which make the pods of those.
_MAKERS = (
    "request.userInfo.username == 'system:serviceaccount:' + $platform + ':controlplane'"
    " || request.userInfo.username.startsWith('system:serviceaccount:kube-system:')"
    " || request.userInfo.username == 'system:kube-controller-manager'"
)
_ACCOUNT = f"(!has(t.spec.serviceAccountName) || !t.spec.serviceAccountName.endsWith('{RUN_ACCOUNT}'))"
_SOURCES = f"s, !has(s.secret) || !has(s.secret.name) || s.secret.name != '{RUN_SECRETS}'"
_VOLUMES = (
    "(!has(t.spec.volumes) || t.spec.volumes.all(v,"
    f" (!has(v.secret) || !has(v.secret.secretName) || v.secret.secretName != '{RUN_SECRETS}')"
    f" && (!has(v.projected) || !has(v.projected.sources) || v.projected.sources.all({_SOURCES}))))"
)
_ONE = (
    "(!has(c.env) || c.env.all(e, !has(e.valueFrom) || !has(e.valueFrom.secretKeyRef)"
    f" || !has(e.valueFrom.secretKeyRef.name) || e.valueFrom.secretKeyRef.name != '{RUN_SECRETS}'))"
    " && (!has(c.envFrom) || c.envFrom.all(e, !has(e.secretRef)"
    f" || !has(e.secretRef.name) || e.secretRef.name != '{RUN_SECRETS}'))"
)
_CONTAINERS = " && ".join(
    f"(!has(t.spec.{name}) || t.spec.{name}.all(c, {_ONE}))"
    for name in ("containers", "initContainers", "ephemeralContainers")
)
RUN_CREDENTIALS = Rule(
    "run-credentials",
    "a pod with the credentials of the platform's runs that the control plane has not made",
    "They open the object store, the feature registry and MLflow; a run gives its project's code none of them.",
    f"leave Secret {RUN_SECRETS} alone, and name an account that does not end in {RUN_ACCOUNT}",
    "template",
    f"{_MAKERS} || ({_ACCOUNT} && {_VOLUMES} && {_CONTAINERS})",
    _not_a_runs,
)
