"""The flights project in real pods, on a real node: from features to a prediction through the gateway.

Images are this checkout's, made without a registry; only KubeRay's operator is built from its source, and Prometheus
and Grafana, which nothing here can provide, are left out. Each test follows the last.
"""

import json
import ssl
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import yaml

from tests.support.kube import wires
from tests.support.kube.api import Api, Name
from tests.support.kube.children import until
from tests.support.kube.controlplane import ControlPlane
from tests.support.kube.node import real_cluster
from tests.support.kube.platform_images import OPERATOR, REGISTRY, platform_images
from tests.support.kube.platform_lab import PlatformLab, platform_lab
from tests.support.lifecycle import ROOT

NAMESPACE, TEAM, ACCOUNT = "groundplan", "flights", "ci"
PATH, REQUEST = "/serve/flights/delay/predict/feast/batch", {"entities": [{"origin": "JFK", "carrier": "AA"}]}
#: Two cores are shared by all: what each asks for is little, and any may take both.
LITTLE = {"cpus": 0.05, "cpu_limit": 2}
ONE = ("database", "objects", "online_store", "mlflow", "feast", "controlplane", "identity", "gateway")
PARTS = {
    **{name: {**LITTLE, "replicas": 1} for name in ONE},
    **{name: LITTLE for name in ("ray_operator", "backup")},
    "ray_head": {**LITTLE, "cpus": 0.2},
    "ray_worker": {**LITTLE, "cpus": 0.4, "memory_limit_mb": 8192},
}
IMAGES = {"registry": REGISTRY, "pins": {"ray_operator": OPERATOR}}
pytestmark = [pytest.mark.enable_socket, pytest.mark.slow, pytest.mark.timeout(1800)]


@dataclass
class Platform:
    """A deployed platform: the lab that deploys it, and the cluster it is in."""

    lab: PlatformLab
    cluster: ControlPlane

    @contextmanager
    def client(self) -> Iterator[httpx.Client]:
        """A client of the gateway, with a token of the service account."""
        outputs = self.lab.outputs()
        trust = ssl.create_default_context(cafile=str(outputs["gateway_ca"]))
        login = (ACCOUNT, outputs["identities"][f"identity-client-{ACCOUNT}"])
        asked = {"grant_type": "client_credentials"}
        with httpx.Client(base_url=outputs["gateway"], verify=trust, trust_env=False, timeout=60) as http:
            token = http.post("/identity/token", data=asked, auth=login).raise_for_status().json()["access_token"]
            http.headers["Authorization"] = f"Bearer {token}"
            yield http

    def python(self, pod: str, container: str, code: str) -> str:
        """Run a program in a container; return what it printed."""
        where = ["--kubeconfig", str(self.cluster.kubeconfig), "-n", NAMESPACE, "exec", pod, "-c", container]
        command = [self.cluster.programs.kubernetes / "kubectl", *where, "--", "python", "-c", code]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def sql(self, statement: str) -> str:
        """Run a statement in the control plane's database as its administrator."""
        code = f"""
import os, subprocess
from groundplan.local.launch._pg import binaries
from groundplan_runtime.config import Runtime
env = {{**os.environ, "PGPASSFILE": str(Runtime.load().secret_file("pgpass"))}}
words = ["-w", "-h", "127.0.0.1", "-U", "postgres", "-d", "controlplane", "-qtAc", {statement!r}]
print(subprocess.run([binaries() / "psql", *words], env=env, capture_output=True, text=True, check=True).stdout)
"""
        return self.python("database-0", "database", code)

    def objects(self, code: str) -> str:
        """Run a line of Python that has ``s3`` and ``bucket``."""
        head = "from groundplan_runtime.config import Runtime; from groundplan_runtime.setup_bucket import client; "
        return self.python(
            "deploy/controlplane", "controlplane", f"{head}r = Runtime.load(); s3, bucket = client(r), r.bucket; {code}"
        )

    def deploy(self, parts: Mapping[str, object]) -> None:
        """Declare the platform with services of these sizes, and bring it up."""
        said = yaml.safe_load((self.lab.folder / "stacks/local.yaml").read_text())
        self.lab.cluster["parts"] = parts
        self.lab.write(projects=["flights"], identity=said["identity"], access=said["access"])
        self.lab.up()

    def jobs(self) -> list[Any]:
        """Return every Job in the team's namespace."""
        return self.cluster.api.list("batch/v1", "Job", TEAM)

    def active(self) -> str:
        """Return the Ray cluster that the services lead to; none while there is none, or another is on its way."""
        (service,) = self.cluster.api.list("ray.io/v1", "RayService", NAMESPACE)
        status = service.get("status", {})
        if (status.get("pendingServiceStatus") or {}).get("rayClusterName"):
            return ""
        return str((status.get("activeServiceStatus") or {}).get("rayClusterName") or "")

    def pods_of(self, cluster: str) -> list[Any]:
        """Return the pods of a Ray cluster."""
        return self.cluster.api.list("v1", "Pod", NAMESPACE, labelSelector=f"ray.io/cluster={cluster}")

    def run(self, cron_job: str) -> None:
        """Run a CronJob's Job by hand, to its end."""
        found = self.cluster.api.get(Name("batch/v1", "CronJob", NAMESPACE, cron_job))
        assert found is not None
        known = {key: found["metadata"][key] for key in ("name", "uid")}
        owner = {"apiVersion": "batch/v1", "kind": "CronJob", **known, "controller": True}
        metadata = {"name": f"{cron_job}-now", "namespace": NAMESPACE, "labels": found["metadata"]["labels"]}
        metadata["ownerReferences"] = [owner]  # as `kubectl create job --from` does: it goes with the CronJob
        job = {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": metadata,
            "spec": found["spec"]["jobTemplate"]["spec"],
        }
        self.cluster.api.apply(job, "test")
        name = Name("batch/v1", "Job", NAMESPACE, f"{cron_job}-now")
        until(lambda: _ended(self.cluster.api.get(name)), f"{cron_job} ended", 300)
        assert _conditions(self.cluster.api.get(name))["Complete"] == "True"


def _conditions(job: Any) -> dict[str, str]:
    return {each["type"]: each["status"] for each in job["status"].get("conditions") or ()}


def _ended(job: Any) -> bool:
    return "True" in (_conditions(job).get("Complete"), _conditions(job).get("Failed"))


@dataclass
class Traffic:
    """A client that asks for the same prediction again and again, until the block ends: what it was answered."""

    http: httpx.Client
    codes: Counter[int] = field(default_factory=Counter)
    #: (preprocessor's version, model's version, value) of every answer, one after the other.
    answers: list[tuple[int, int, float]] = field(default_factory=list)
    _ended: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "Traffic":
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _ask(self) -> None:
        # A pace that leaves the two cores to what is looked at.
        while not self._ended.wait(0.05):
            answer = self.http.post(PATH, json=REQUEST)
            self.codes[answer.status_code] += 1
            if answer.status_code == 200:
                body = answer.json()
                value = body["predictions"][0]["value"]
                self.answers.append((body["preprocessor_version"], body["model_version"], value))


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory, node: None) -> Iterator[Platform]:
    folder = tmp_path_factory.mktemp("platform")
    source = folder / "source"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(source)], check=True)
    with real_cluster(folder / "plane", platform_images(source, folder)) as cluster:
        yield Platform(
            platform_lab(folder / "clone", cluster.kubeconfig, wires.NODE, images=IMAGES, monitoring=False), cluster
        )


def test_1_up_ends_with_everything_running(platform: Platform) -> None:
    platform.deploy(PARTS)
    found = platform.cluster.api.list("v1", "Pod", NAMESPACE)
    assert {each["status"]["phase"] for each in found} <= {"Running", "Succeeded"}
    assert {each["spec"]["nodeName"] for each in found} == {"real-node"}


def test_2_the_gateway_answers_with_a_prediction_of_one_pair(platform: Platform) -> None:
    with platform.client() as http:
        answer = http.post(PATH, json=REQUEST)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["preprocessor_version"] == body["model_version"] == 1
    assert len(body["predictions"]) == 1


def test_2_feast_answers_behind_it_too(platform: Platform) -> None:
    asked = {"features": ["route_delay:mean_delay_24h"], "entities": {"origin": ["JFK"], "carrier": ["AA"]}}
    with platform.client() as http:
        answer = http.post("/feast/flights/get-online-features", json=asked)
    assert answer.status_code == 200, answer.text
    assert "mean_delay_24h" in answer.json()["metadata"]["feature_names"]


def test_3_each_run_was_a_job_and_what_answers_is_a_ray_service(platform: Platform) -> None:
    (training,) = (job for job in platform.jobs() if job["metadata"]["name"].startswith("run-model-flights-delay"))
    assert _conditions(training)["Complete"] == "True"
    assert training["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["cpu"] == "2"
    (service,) = platform.cluster.api.list("ray.io/v1", "RayService", NAMESPACE)
    applications = json.loads(service["spec"]["serveConfigV2"])["applications"]
    assert [each["route_prefix"] for each in applications] == ["/flights/delay"]


def test_3_every_pod_that_its_service_leads_to_answers(platform: Platform) -> None:
    """Also the workers: a new connection each time, so that none of them is left out."""
    asked = "[httpx.get(url, trust_env=False).status_code for _ in range(40)]"
    url = "Runtime.load().endpoint('serve') + '/flights/delay/healthz'"
    code = f"import httpx; from groundplan_runtime.config import Runtime; url = {url}; print({asked}.count(200))"
    assert platform.python("deploy/controlplane", "controlplane", code) == "40"


def test_3_runs_are_the_teams(platform: Platform) -> None:
    """They have its account, count in its quota, and none of them is beside the platform's services."""
    jobs = platform.jobs()
    assert {job["spec"]["template"]["spec"]["serviceAccountName"] for job in jobs} == {"flights-run"}
    pods = platform.cluster.api.list("v1", "Pod", NAMESPACE, labelSelector="groundplan.dev/run")
    assert pods == []
    quota = platform.cluster.api.get(Name("v1", "ResourceQuota", TEAM, "team"))
    assert quota is not None
    assert quota["status"]["used"].keys() >= {"pods", "limits.memory", "requests.cpu"}


def test_4_a_second_up_changes_nothing(platform: Platform) -> None:
    platform.lab.quiet()


def test_5_pairs_never_mix_while_another_one_takes_over(platform: Platform) -> None:
    path = platform.lab.folder / "projects/flights/training/delay.yaml"
    path.write_text(path.read_text().replace("n_estimators: 300", "n_estimators: 60"))
    with platform.client() as http, Traffic(http) as traffic:
        platform.lab.up()
        before = len(traffic.answers)
        until(lambda: len(traffic.answers) > before + 20, "answers after it", 60)
    assert set(traffic.codes) == {200}
    assert {(one, other) for one, other, _ in traffic.answers} == {(1, 1), (2, 2)}
    # One value a version: what answered with a number was the pair of that number.
    assert len({(version, value) for version, _, value in traffic.answers}) == 2
    assert traffic.answers[-1][0] == 2


def test_6_nor_while_ray_is_made_anew(platform: Platform) -> None:
    """Nor is an answer late or lost when the pods of before go, a minute after the last of them was asked."""
    before = platform.active()
    parts = {**PARTS, "ray_worker": {**PARTS["ray_worker"], "cpus": 0.35}}
    with platform.client() as http, Traffic(http) as traffic:
        platform.deploy(parts)
        until(lambda: platform.active() not in ("", before), "the services lead to the new cluster", 600)
        until(lambda: not platform.pods_of(before), "the pods of the old cluster are gone", 300)
        count = len(traffic.answers)
        until(lambda: len(traffic.answers) > count + 20, "answers after it", 60)
    assert set(traffic.codes) == {200}
    assert {(one, other) for one, other, _ in traffic.answers} == {(2, 2)}


def test_7_a_run_beyond_the_quota_waits_and_goes_on_when_there_is_room(platform: Platform) -> None:
    """The team may have no pod for a while: the `up` that trains anew waits, and then ends well.

    By a quota of somebody else's: the team's own would be put back by the `up` before it trains.
    """
    api, metadata = platform.cluster.api, {"name": "freeze", "namespace": TEAM}
    path = platform.lab.folder / "projects/flights/training/delay.yaml"
    path.write_text(path.read_text().replace("n_estimators: 60", "n_estimators: 90"))
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": {"hard": {"pods": "0"}}}
    api.apply(quota, "test")
    with ThreadPoolExecutor(1) as pool:
        deploying = pool.submit(platform.lab.up)
        until(lambda: deploying.done() or _refused(api), "the quota refuses the pod of a run", 600)
        assert not deploying.done()
        api.delete(Name("v1", "ResourceQuota", TEAM, "freeze"))
        deploying.result()
    with platform.client() as http:
        assert http.post(PATH, json=REQUEST).json()["model_version"] == 3


def _refused(api: Api) -> bool:
    events = api.list("v1", "Event", TEAM, fieldSelector="reason=FailedCreate")
    return any("exceeded quota: freeze" in each["message"] for each in events)


def test_8_what_was_saved_comes_back(platform: Platform) -> None:
    platform.sql("CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)")
    platform.objects("s3.put_object(Bucket=bucket, Key='raw/kept', Body=b'seven')")
    platform.run("backup")
    platform.sql("UPDATE kept SET n = 8")
    platform.objects("s3.delete_object(Bucket=bucket, Key='raw/kept')")
    platform.run("restore")
    assert platform.sql("SELECT n FROM kept") == "7"
    assert platform.objects("print(s3.get_object(Bucket=bucket, Key='raw/kept')['Body'].read().decode())") == "seven"
    platform.sql("DROP TABLE kept")


def test_9_logs_hold_no_secret(platform: Platform) -> None:
    outputs = platform.lab.outputs()
    secrets = {*outputs["credentials"].values(), *outputs["identities"].values()}
    pods = [pod for namespace in (NAMESPACE, TEAM) for pod in platform.cluster.api.list("v1", "Pod", namespace)]
    for pod in pods:
        name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
        for container in pod["spec"]["containers"]:
            log = f"/api/v1/namespaces/{namespace}/pods/{name}/log"
            text = platform.cluster.api.call("GET", log, container=container["name"])
            assert [each for each in secrets if each in str(text)] == [], name


def test_10_destroy_leaves_nothing(platform: Platform) -> None:
    platform.lab.destroy()
    assert platform.lab.state() == []
    for namespace in (NAMESPACE, TEAM):
        assert platform.cluster.api.get(Name("v1", "Namespace", None, namespace)) is None
