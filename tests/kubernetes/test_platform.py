"""The whole platform on target ``kubernetes``: up, no change, drift, healed, destroyed. Each test follows the last.

Its pods are simulated: what is proven is what the API server, the controllers and the scheduler make of the objects.
"""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from groundplan.controlplane.adapters import templates
from groundplan.controlplane.adapters.jobs import JobFailed
from groundplan.controlplane.adapters.kube_api import KubeApi
from groundplan.controlplane.adapters.kube_jobs import GPU, KubeJobs, Mould, job_name, manifest
from groundplan.controlplane.adapters.kube_serve import KubeServe
from groundplan.errors import ServiceError
from groundplan.spec.cluster import NODE_PORTS
from groundplan_runtime.config import Runtime
from tests.support.fake_controlplane import FakeControlPlane, fake_controlplane
from tests.support.kube.api import ApiError, Name, Object
from tests.support.kube.children import until
from tests.support.kube.controlplane import ControlPlane
from tests.support.kube.operator import ray_operator
from tests.support.kube.platform_lab import STACK, PlatformLab, platform_lab
from tests.support.lifecycle import ROOT

NAMESPACE, TEAM = "groundplan", "flights"
DOCUMENT = {"job": "train", "project": "flights", "name": "delay", "resources": {"cpus": 2, "gpus": 1}}
TEAMS = {"flights": {"projects": ["flights"], "quota": {"gpus": 1}}}
#: A hundred objects and their previews: two minutes for all tests, many times that on a busy machine.
pytestmark = pytest.mark.timeout(1800)


@pytest.fixture(scope="module")
def platform(cluster: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlatformLab]:
    folder = tmp_path_factory.mktemp("platform") / "clone"
    lab = platform_lab(folder, cluster.kubeconfig, ray_workers={"cpu": {}, "gpu": {"gpus": 1}})
    with ray_operator(cluster):
        yield lab


@pytest.fixture(scope="module")
def plane(platform: PlatformLab) -> Iterator[FakeControlPlane]:
    """What stands in for the control plane: its pod is simulated."""
    with fake_controlplane(NODE_PORTS["controlplane"], platform.node_host, platform.token) as fake:
        yield fake


def pods(cluster: ControlPlane) -> list[Object]:
    return cluster.api.list("v1", "Pod", NAMESPACE)


def test_1_a_preview_shows_all_with_no_cluster(platform: PlatformLab) -> None:
    reached = platform.config["kubeconfig"]
    platform.config["kubeconfig"] = f"{reached}-none"
    platform.write(projects=["flights"], teams=TEAMS)
    without = platform.preview()
    platform.config["kubeconfig"] = reached
    platform.write(projects=["flights"], teams=TEAMS)
    with_one = platform.preview()
    assert set(without.changes.values()) == {"create"}
    assert without.changes == with_one.changes


def test_2_up_makes_it_and_every_pod_is_placed(
    platform: PlatformLab, plane: FakeControlPlane, cluster: ControlPlane
) -> None:
    made = platform.up()
    assert set(made.changes.values()) == {"create"}
    found = pods(cluster)
    assert found
    assert [p["metadata"]["name"] for p in found if p["status"]["phase"] not in ("Running", "Succeeded")] == []
    assert plane.resources


def test_3_a_second_up_changes_nothing(platform: PlatformLab, plane: FakeControlPlane) -> None:
    platform.quiet()


def test_3_what_is_rendered_is_what_is_there(platform: PlatformLab, cluster: ControlPlane, tmp_path: Path) -> None:
    """Built by Kustomize itself, and held against the API server's objects by ``kubectl diff``."""
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", str(platform.folder), str(clone)], check=True)
    for name in (f"{STACK}.yaml", f"Pulumi.{STACK}.yaml"):
        shutil.copy(platform.folder / "stacks" / name, clone / "stacks")
    subprocess.run([str(ROOT / ".venv/bin/groundplan"), "render", STACK], cwd=clone, check=True)
    kubectl = [str(cluster.programs.kubernetes / "kubectl"), f"--kubeconfig={cluster.kubeconfig}"]
    command = [*kubectl, "diff", "--server-side", "--force-conflicts", "-k", str(clone / "rendered" / STACK)]
    found = subprocess.run(command, capture_output=True, text=True)
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")


def test_4_the_control_plane_s_own_account_makes_runs_and_serving(
    platform: PlatformLab, plane: FakeControlPlane, cluster: ControlPlane, own: KubeApi
) -> None:
    job = kube_jobs(own).job("model:flights:delay:1", "flights", 1, print)
    job.submit(DOCUMENT, cpus=2, gpus=1)
    until(lambda: job.status() == "SUCCEEDED", "the Job ends", 120)
    settings = cluster.api.get(Name("v1", "ConfigMap", NAMESPACE, "platform-runtime"))
    runtime = platform.folder / "runtime.json"
    runtime.write_text(settings["data"]["runtime.json"])
    serve = KubeServe(Runtime.load(runtime), own, templates.template(templates.RAY))
    serve.put({"name": "flights-delay-blue", "route_prefix": "/flights/delay", "import_path": "x:y"})
    until(lambda: len(placed(cluster)) == 3, "head and workers have nodes", 120)
    with_gpu = {name for name, pod in placed(cluster).items() if GPU in pod["containers"][0]["resources"]["limits"]}
    (run,) = cluster.api.list("v1", "Pod", TEAM, labelSelector=f"batch.kubernetes.io/job-name={job.id}")
    assert len(with_gpu) == 1
    assert all(gpu_node(cluster, placed(cluster)[name]["nodeName"]) for name in with_gpu)
    assert gpu_node(cluster, run["spec"]["nodeName"])
    for namespace in (NAMESPACE, TEAM):
        with pytest.raises(ServiceError, match="secrets"):
            own.ask("GET", f"/api/v1/namespaces/{namespace}/secrets")
    with pytest.raises(ServiceError, match="jobs"):
        own.ask("GET", f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs")
    serve.delete("flights-delay-blue")
    until(lambda: placed(cluster) == {}, "nothing serves any more", 120)


def test_4_a_run_beyond_the_quota_waits_and_says_why(
    platform: PlatformLab, plane: FakeControlPlane, cluster: ControlPlane, own: KubeApi
) -> None:
    """One GPU is the team's: it is taken by somebody else's pod, then free."""
    said: list[str] = []
    taken = held(cluster)
    jobs = kube_jobs(own)
    job = jobs.job("model:flights:delay:2", "flights", 1, said.append)
    job.submit(DOCUMENT, cpus=2, gpus=1)
    until(lambda: job.report() == "" and said, "the run says why it waits", 60)
    assert said[0].startswith("waits: exceeded quota: team, requested: requests.nvidia.com/gpu=1, used: ")
    assert job.status() == "RUNNING"
    cluster.api.delete(taken, "Background")
    until(lambda: job.status() == "SUCCEEDED", "it runs when there is room", 180)
    jobs.stop("model:flights:delay:2")  # one that ended stays as it is
    assert job.status() == "SUCCEEDED"


def test_4_a_run_beyond_what_a_pod_may_use_is_stopped_and_says_why(
    platform: PlatformLab, plane: FakeControlPlane, cluster: ControlPlane, own: KubeApi
) -> None:
    resources = {"cpus": 2, "memory_mb": 64 * 1024}
    with pytest.raises(JobFailed, match=r"maximum memory usage per Pod is 32Gi, but limit is 66048Mi"):
        kube_jobs(own).run("model:flights:delay:3", {**DOCUMENT, "resources": resources}, print)
    of_it = f"batch.kubernetes.io/job-name={job_name('model:flights:delay:3')}"
    assert cluster.api.list("v1", "Pod", TEAM, labelSelector=of_it) == []


def test_4_people_of_the_team_do_not_get_what_runs_are_given(
    platform: PlatformLab, plane: FakeControlPlane, cluster: ControlPlane, own: KubeApi
) -> None:
    """An administrator of the whole cluster here: the rule asks who sends it, not what they may do."""
    mould, home = Mould(templates.template(templates.RUN)), templates.homes()["flights"]
    job = manifest("run-mine", mould, home, DOCUMENT, 0)
    job["metadata"]["namespace"] = TEAM
    with pytest.raises(ApiError, match="groundplan/run-credentials:"):
        cluster.api.apply(job, "kubectl", dry_run=True)


def kube_jobs(own: KubeApi) -> KubeJobs:
    return KubeJobs(own, Mould(templates.template(templates.RUN), "{}"), templates.homes())


def held(cluster: ControlPlane) -> Name:
    """A pod of somebody of the team that holds its one GPU; it never ends."""
    image = cluster.api.list("v1", "Pod", NAMESPACE)[0]["spec"]["containers"][0]["image"]
    labels = {"app.kubernetes.io/name": "notebook"}
    limits = {"cpu": "1", "memory": "1Gi", GPU: "1"}
    confined = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    container = {"name": "x", "image": image, "resources": {"limits": limits}, "securityContext": confined}
    spec = {
        "serviceAccountName": "flights-serving", "automountServiceAccountToken": False, "containers": [container],
        "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
        "tolerations": [{"key": GPU, "operator": "Exists", "effect": "NoSchedule"}],
    }  # fmt: skip
    metadata = {"name": "notebook", "namespace": TEAM, "labels": labels}
    cluster.api.apply({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}, "kubectl")
    return Name("v1", "Pod", TEAM, "notebook")


def placed(cluster: ControlPlane) -> dict[str, Object]:
    """Ray's pods that have a node: name → spec."""
    found = cluster.api.list("v1", "Pod", NAMESPACE, labelSelector="ray.io/is-ray-node=yes")
    return {each["metadata"]["name"]: each["spec"] for each in found if "nodeName" in each["spec"]}


def gpu_node(cluster: ControlPlane, name: str) -> bool:
    return GPU in cluster.api.get(Name("v1", "Node", None, name))["status"]["capacity"]


@pytest.fixture
def own(platform: PlatformLab, cluster: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KubeApi:
    """The API server as the control plane's pod has it: by its own account, and from the templates that it mounts."""
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}}
    path = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/controlplane/token"
    token = cluster.api.call("POST", path, body=asked)["status"]["token"]
    files = {"token": token, "namespace": NAMESPACE, "ca.crt": cluster.credentials.path("ca.crt").read_text()}
    files |= cluster.api.get(Name("v1", "ConfigMap", NAMESPACE, "controlplane-templates"))["data"]
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    where = urlsplit(cluster.places.server)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", str(where.hostname))
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(where.port))
    monkeypatch.setenv(templates.VARIABLE, str(tmp_path))
    return KubeApi(tmp_path)


def test_5_drift_is_seen_and_healed(platform: PlatformLab, plane: FakeControlPlane, cluster: ControlPlane) -> None:
    mlflow = Name("apps/v1", "Deployment", NAMESPACE, "mlflow")
    cluster.api.merge(mlflow, {"spec": {"replicas": 3}})
    cluster.api.delete(Name("v1", "Service", NAMESPACE, "database"))
    seen = platform.preview()
    assert set(seen.changes) == {"mlflow-workload", "database-service"}, seen.text
    assert seen.paths("mlflow-workload") == ("spec.replicas",)
    platform.up()
    platform.quiet()


def test_6_destroy_leaves_nothing(platform: PlatformLab, plane: FakeControlPlane, cluster: ControlPlane) -> None:
    platform.destroy()
    assert platform.state() == []
    for namespace in (NAMESPACE, TEAM):
        assert cluster.api.get(Name("v1", "Namespace", None, namespace)) is None
    label = {"labelSelector": "app.kubernetes.io/part-of=groundplan"}
    group = "rbac.authorization.k8s.io/v1"
    left = [cluster.api.list(group, kind, **label) for kind in ("ClusterRole", "ClusterRoleBinding")]
    assert left == [[], []]
