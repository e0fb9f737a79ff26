"""What watches over a cluster, and who delivers to it: only where declared, pinned, in a namespace of its own."""

from typing import Any

import pytest
import yaml
from tests.components.kubernetes.stage import PLACE, registered, stack

from groundplan.spec.tenancy import CertificatesSpec
from groundplan_components.kubernetes.certificates import Certificates, issuers
from groundplan_components.kubernetes.gitops import GitOps, application
from groundplan_components.kubernetes.security import NAMESPACE, Security

DIGEST = "sha256:" + "a" * 64
IMAGE = f"registry.example.org/security/%s@{DIGEST}"
FALCO = {"falco": {"image": IMAGE % "falco", "priority": "warning"}}
TRIVY = {"trivy": {"image": IMAGE % "trivy-operator", "scanner": IMAGE % "trivy"}}
GITOPS = {"repository": "https://git.example.org/ml/platform", "path": "rendered/kind"}


def objects(**security: Any) -> dict[str, dict[str, Any]]:
    declared = stack(security=security)
    recorder = registered(lambda: Security("security", declared, PLACE, ["groundplan", "core"]))
    return {t: o for t, o in recorder.objects.items() if recorder.types[t].startswith("kubernetes:")}


def test_nothing_is_there_that_is_not_declared() -> None:
    assert objects() == {}
    recorder = registered(lambda: GitOps("gitops", stack(), PLACE))
    assert not any(type.startswith("kubernetes:") for type in recorder.types.values())


def test_they_have_a_namespace_that_the_admission_rules_are_not_for() -> None:
    made = objects(**FALCO, **TRIVY)
    labels = made["security-namespace"]["metadata"]["labels"]
    assert "groundplan.dev/admission" not in labels
    assert labels["pod-security.kubernetes.io/enforce"] == "privileged"
    inside = [o for o in made.values() if not o["kind"].startswith(("Namespace", "ClusterRole"))]
    assert {o["metadata"]["namespace"] for o in inside} == {NAMESPACE}


def test_falco_sees_the_kernel_without_owning_the_node() -> None:
    made = objects(**FALCO)
    pod = made["security-falco"]["spec"]["template"]["spec"]
    [container] = pod["containers"]
    assert container["image"] == IMAGE % "falco"
    assert "privileged" not in container["securityContext"]
    assert container["securityContext"]["capabilities"]["drop"] == ["ALL"]
    assert all(mount["readOnly"] for mount in container["volumeMounts"])
    assert pod["automountServiceAccountToken"] is False
    settings = yaml.safe_load(made["security-falco-config"]["data"]["falco.yaml"])
    assert settings["engine"]["kind"] == "modern_ebpf"
    assert settings["priority"] == "warning"
    names, rule = yaml.safe_load(made["security-falco-config"]["data"]["groundplan.yaml"])
    assert names["items"] == ["core", "groundplan"]
    assert "groundplan_namespaces" in rule["condition"]


def test_trivy_scans_the_stacks_namespaces_with_a_pinned_scanner() -> None:
    made = objects(**TRIVY)
    [container] = made["security-trivy"]["spec"]["template"]["spec"]["containers"]
    environment = {each["name"]: each["value"] for each in container["env"]}
    assert environment["OPERATOR_TARGET_NAMESPACES"] == "core,groundplan"
    settings = made["security-trivy-config"]["data"]
    assert f"{settings['trivy.repository']}@{settings['trivy.tag']}" == IMAGE % "trivy"
    assert settings["trivy.severity"] == "HIGH,CRITICAL"
    wide = [rule for rule in made["security-trivy-cluster-role"]["rules"] if "secrets" in rule["resources"]]
    assert wide == []


@pytest.mark.parametrize(
    ("declared", "kinds"),
    [
        ({"acme_email": "ops@example.org"}, {"ClusterIssuer ml": "acme"}),
        ({}, {"ClusterIssuer ml-root": "selfSigned", "Certificate ml-root": "isCA", "ClusterIssuer ml": "ca"}),
    ],
)
def test_the_issuer_that_the_ingress_names_is_made(declared: dict[str, str], kinds: dict[str, str]) -> None:
    cluster = {"ingress": {"host": "ml.example.org", "issuer": "ml"}}
    with_issuer = stack(target="kubernetes", cluster=cluster, security={"certificates": declared})
    recorder = registered(lambda: Certificates("certificates", with_issuer, PLACE))
    made = [o for t, o in recorder.objects.items() if recorder.types[t].startswith("kubernetes:")]
    assert {f"{o['kind']} {o['metadata']['name']}": True for o in made} == dict.fromkeys(kinds, True)
    for each in made:
        assert kinds[f"{each['kind']} {each['metadata']['name']}"] in each["spec"]
        assert each["apiVersion"] == "cert-manager.io/v1"


def test_an_authority_asks_at_the_gateways_plain_door() -> None:
    ingress = {"host": "ml.example.org", "issuer": "ml", "api": "gateway", "class_name": "envoy"}
    declared = stack(target="kubernetes", cluster={"ingress": ingress}).cluster.ingress
    assert declared is not None
    made = issuers(CertificatesSpec(acme_email="ops@example.org"), declared, "ml", PLACE)
    [solver] = made["issuer"]["spec"]["acme"]["solvers"]
    parent = {"kind": "Gateway", "name": "groundplan", "namespace": PLACE.namespace, "sectionName": "plain"}
    assert solver == {"http01": {"gatewayHTTPRoute": {"parentRefs": [parent]}}}


@pytest.mark.parametrize("sync", ["automatic", "manual"])
def test_the_application_leads_to_what_was_rendered_and_never_prunes(sync: str) -> None:
    spec = stack(gitops={**GITOPS, "sync": sync}).gitops
    assert spec is not None
    made = application(spec, PLACE)
    assert made["metadata"]["namespace"] == "argocd"
    assert made["spec"]["source"] == {"repoURL": GITOPS["repository"], "targetRevision": "main", "path": GITOPS["path"]}
    policy = made["spec"]["syncPolicy"]
    assert policy.get("automated") == ({"prune": False, "selfHeal": True} if sync == "automatic" else None)
    assert "ServerSideApply=true" in policy["syncOptions"]
