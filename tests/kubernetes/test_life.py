"""The life of Kubernetes objects under the real engine, against a real API server."""

from pathlib import Path

import pytest

from tests.support.kube.api import Api, Name, name_of
from tests.support.kube.children import until
from tests.support.kube.controlplane import ControlPlane
from tests.support.kube.lab import declared, kube_lab
from tests.support.kube.shop import deployment, job, manifest, namespace_of, shop
from tests.support.lifecycle import Lab, live


def names(program: list) -> list[Name]:
    return [name_of(each.properties) for each in program]


def test_a_program_lives(cluster: ControlPlane, lab: Lab, namespace: str) -> None:
    """By hand: replicas, a quantity, a secret and a rule edited; a policy and the Job deleted."""
    api, program = cluster.api, shop(namespace)

    def drift() -> None:
        web = Name("apps/v1", "Deployment", namespace, "web")
        api.merge(web, {"spec": {"replicas": 5, "template": {"spec": {"terminationGracePeriodSeconds": 5}}}})
        api.merge(Name("v1", "Secret", namespace, "door"), {"data": {"password": "b3RoZXI="}})
        api.merge(Name("v1", "ConfigMap", namespace, "settings"), {"metadata": {"labels": {"seen": "by-hand"}}})
        role = Name("rbac.authorization.k8s.io/v1", "Role", namespace, "reader")
        api.merge(role, {"rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]})
        api.delete(Name("networking.k8s.io/v1", "NetworkPolicy", namespace, "closed"))
        load = Name("batch/v1", "Job", namespace, "load")
        api.delete(load)
        until(lambda: api.get(load) is None, "Job gone", 30)

    drifted = {
        "Deployment-web": ("spec.replicas",),
        "Secret-door": ("data.password",),
        "Role-reader": ("rules[0].resources[0]",),
        "NetworkPolicy-closed": (),
        "Job-load": (),
    }
    live(lab, program, drift, drifted=drifted)
    assert [str(each) for each in names(program) if _there(api, each)] == []


def _there(api: Api, name: Name) -> bool:
    return name.kind != "Basket" and api.get(name) is not None


def test_a_preview_needs_no_cluster(tmp_path: Path, namespace: str) -> None:
    lab = kube_lab(tmp_path / "lab", tmp_path / "there-is-none")
    program = shop(namespace)
    lab.declare(*program)
    assert lab.preview().changes == {each.name: "create" for each in program}
    refused = lab.up(ok=False)
    assert refused.code != 0
    assert f"unreachable: {tmp_path / 'there-is-none'}: cannot be read as a kubeconfig" in refused.text
    assert "Traceback" not in refused.text


def test_a_lost_kubeconfig_is_one_line(cluster: ControlPlane, tmp_path: Path, namespace: str) -> None:
    copy = tmp_path / "kubeconfig"
    copy.write_text(cluster.kubeconfig.read_text())
    lab = kube_lab(tmp_path / "lab", copy)
    lab.declare(declared(namespace_of(namespace)))
    lab.up()
    copy.rename(tmp_path / "away")
    lost = lab.preview(ok=False)
    assert lost.code != 0
    lines = [line for line in lost.text.splitlines() if "configured Kubernetes cluster is unreachable" in line]
    assert lines
    assert all(str(copy) in line for line in lines)
    assert "Traceback" not in lost.text
    (tmp_path / "away").rename(copy)
    lab.quiet()
    lab.destroy()
    assert cluster.api.get(Name("v1", "Namespace", None, namespace)) is None


def test_a_changed_job_is_made_anew(cluster: ControlPlane, lab: Lab, namespace: str) -> None:
    home = f"Namespace-{namespace}"
    lab.declare(declared(namespace_of(namespace)), declared(job(namespace), home))
    lab.up()
    changed = job(namespace)
    changed["spec"]["template"]["spec"]["activeDeadlineSeconds"] = 60
    lab.declare(declared(namespace_of(namespace)), declared(changed, home))
    seen = lab.preview()
    assert "replace" in seen.changes["Job-load"], seen.text
    lab.up()
    found = cluster.api.get(Name("batch/v1", "Job", namespace, "load"))
    assert found is not None
    assert found["spec"]["template"]["spec"]["activeDeadlineSeconds"] == 60


def test_a_conflict_is_an_error_unless_told_otherwise(cluster: ControlPlane, lab: Lab, namespace: str) -> None:
    """As with the official plugin: what ``kubectl edit`` changed belongs to it, until a patch is forced."""
    home = f"Namespace-{namespace}"
    settings = manifest("v1", "ConfigMap", "settings", namespace, data={"colour": "blue"})
    lab.declare(declared(namespace_of(namespace)), declared(settings, home))
    lab.up()
    cluster.api.merge(name_of(settings), {"metadata": {"labels": {"app.kubernetes.io/name": "other"}}})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PULUMI_K8S_ENABLE_PATCH_FORCE", "false")
        refused = lab.up(ok=False)
    assert 'conflict with "kubectl-edit"' in refused.text
    lab.up()
    lab.quiet()


def test_up_says_what_it_waited_for(cluster: ControlPlane, lab: Lab, namespace: str) -> None:
    """The object stays in the state: mending the declaration is enough."""
    home = f"Namespace-{namespace}"
    hungry = deployment(namespace)
    hungry["metadata"]["annotations"] = {"pulumi.com/timeoutSeconds": "3"}
    hungry["spec"]["template"]["spec"]["nodeSelector"] = {"no-such": "node"}
    lab.declare(declared(namespace_of(namespace)), declared(hungry, home))
    failed = lab.up(ok=False)
    assert f"Deployment {namespace}/web: not ready after 3 s: 0 of 2 pods available" in failed.text
    assert "didn't match Pod's node affinity/selector" in failed.text
    lab.declare(declared(namespace_of(namespace)), declared(deployment(namespace), home))
    assert lab.up().changes == {"Deployment-web": "update"}
    lab.quiet()
