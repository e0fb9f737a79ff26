"""The kind target on a recorder: every object, its order and its provider; and what any pod has to be."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from tests.support.recorded import MARK, ROOT, SECRET, SIGN, STACK_ID, Recorded

from groundplan.errors import GroundplanError
from groundplan.provider.schema import schema_json
from groundplan.spec.cluster import NODE_PORTS

RULES = {"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"}
CLUSTER_WIDE = {"Namespace", "CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding", *RULES}
#: What everything in a cluster is part of.
PARTS = {"Platform platform", "Admission admission", "Tenancy tenancy", "TeamRuns runs"}
PINNED = re.compile(r"^[^@]+(:(?!latest$)[\w][\w.\-]*|@sha256:[0-9a-f]{64})$")
#: Who alone gets a token of its service account, and why: the operator makes pods.
TOKENS = {"ray-operator-workload", "controlplane-workload"}


@pytest.fixture(scope="module")
def deployed() -> Recorded:
    return Recorded()


def containers(template: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from template["spec"].get("initContainers", [])
    yield from template["spec"]["containers"]


def test_every_service_is_there(deployed: Recorded) -> None:
    kinds = {title: each["kind"] for title, each in deployed.objects().items()}
    for stateful in ("database", "objects", "online-store", "prometheus"):
        assert kinds[f"{stateful}-workload"] == "StatefulSet"
    for stateless in ("mlflow", "controlplane", "gateway", "identity", "grafana", "ray-operator"):
        assert kinds[f"{stateless}-workload"] == "Deployment"
    assert {kinds["backup-save"], kinds["backup-restore"]} == {"CronJob"}
    assert [kinds[f"{job}-setup-job"] for job in ("database", "objects", "identity")] == ["Job"] * 3


def test_every_object_is_named_placed_and_labelled(deployed: Recorded) -> None:
    for title, each in deployed.objects().items():
        metadata = each["metadata"]
        assert metadata["name"], title
        if each["kind"] not in CLUSTER_WIDE:
            of_team = title.startswith(("tenancy-flights-", "runs-flights-"))
            assert metadata["namespace"] == ("flights" if of_team else "groundplan"), title
        if each["kind"] == "CustomResourceDefinition":
            continue
        labels = metadata["labels"]
        wanted = {"app.kubernetes.io/part-of": "groundplan", "app.kubernetes.io/managed-by": "pulumi"}
        assert labels.items() >= {**wanted, "groundplan.dev/stack": "kind"}.items(), title
        assert {"app.kubernetes.io/name", "app.kubernetes.io/component"} <= labels.keys(), title


def test_every_pod_is_restricted(deployed: Recorded) -> None:
    for title, namespace, template in deployed.pods():
        spec = template["spec"]
        run = template["metadata"]["labels"]["app.kubernetes.io/component"] == "run"
        assert namespace == ("flights" if run else "groundplan"), title
        context = spec["securityContext"]
        assert context["runAsNonRoot"] is True, title
        assert context["runAsUser"] > 0, title
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}, title
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys(), title
        assert not any("hostPath" in volume for volume in spec["volumes"]), title
        for container in containers(template):
            inner = container["securityContext"]
            assert inner["allowPrivilegeEscalation"] is False, title
            assert inner["readOnlyRootFilesystem"] is True, title
            assert inner["capabilities"] == {"drop": ["ALL"]}, title


def test_every_container_is_limited_and_pinned(deployed: Recorded) -> None:
    for title, _, template in deployed.pods():
        for container in containers(template):
            resources = container["resources"]
            assert resources["requests"].keys() >= {"cpu", "memory"}, (title, container["name"])
            assert resources["limits"].keys() >= {"cpu", "memory"}, (title, container["name"])
            assert PINNED.match(container["image"]), container["image"]


def test_every_server_is_probed_and_no_job_is(deployed: Recorded) -> None:
    for title, each in deployed.objects().items():
        if each["kind"] not in ("Deployment", "StatefulSet", "Job"):
            continue
        for _, _, template in (found for found in deployed.pods() if found[0] == title):
            probes = {"startupProbe", "readinessProbe", "livenessProbe"} & template["spec"]["containers"][0].keys()
            assert len(probes) == (0 if each["kind"] == "Job" else 3), title


def test_a_token_is_given_to_who_needs_one(deployed: Recorded) -> None:
    given = {title for title, _, template in deployed.pods() if template["spec"]["automountServiceAccountToken"]}
    assert given == TOKENS
    accounts = [each for each in deployed.objects().values() if each["kind"] == "ServiceAccount"]
    assert not any(each["automountServiceAccountToken"] for each in accounts)
    named = {each["metadata"]["name"] for each in accounts}
    for title, _, template in deployed.pods():
        assert template["spec"]["serviceAccountName"] in named, title


def test_every_server_may_be_moved_one_pod_at_a_time_and_rolls(deployed: Recorded) -> None:
    objects = deployed.objects()
    for title, each in objects.items():
        if each["kind"] not in ("Deployment", "StatefulSet"):
            continue
        budget = objects[title.replace("-workload", "-budget")]["spec"]
        assert budget["maxUnavailable"] == 1
        assert budget["selector"]["matchLabels"].items() <= each["spec"]["template"]["metadata"]["labels"].items()
        affinity = each["spec"]["template"]["spec"]["affinity"]["podAntiAffinity"]
        assert affinity["preferredDuringSchedulingIgnoredDuringExecution"][0]["weight"] == 100
    deployments = {t: o["spec"] for t, o in objects.items() if o["kind"] == "Deployment"}
    strategies = {title: spec["strategy"]["type"] for title, spec in deployments.items()}
    # Two control planes would take up each other's work; the operator has one lease.
    assert {t for t, s in strategies.items() if s == "Recreate"} == {"controlplane-workload", "ray-operator-workload"}
    stay = {t for t, spec in deployments.items() if "lifecycle" in spec["template"]["spec"]["containers"][0]}
    assert stay == {title for title, strategy in strategies.items() if strategy == "RollingUpdate"}


def test_every_mount_has_its_volume_and_every_probe_its_port(deployed: Recorded) -> None:
    for title, _, template in deployed.pods():
        claimed = {"data"} if deployed.objects()[title]["kind"] == "StatefulSet" else set()
        volumes = {volume["name"] for volume in template["spec"]["volumes"]} | claimed
        for container in containers(template):
            mounted = [mount["name"] for mount in container["volumeMounts"]]
            assert len(mounted) == len(set(mounted)), title
            assert set(mounted) <= volumes, (title, container["name"])
            ports = {port["name"] for port in container.get("ports", [])}
            for probe in (value for key, value in container.items() if key.endswith("Probe")):
                asked = probe.get("httpGet") or probe.get("tcpSocket") or {}
                assert asked.get("port", next(iter(ports), None)) in {*ports, None}, (title, probe)


def test_services_find_their_pods_and_doors_have_their_ports(deployed: Recorded) -> None:
    objects = deployed.objects()
    pods = [template for _, _, template in deployed.pods()]
    doors: dict[int, str] = {}
    for title, each in objects.items():
        if each["kind"] != "Service":
            continue
        selector = each["spec"].get("selector", {})
        if title not in ("ray-pods", "ray-serve"):  # by a label of the operator's; the other one it leads itself
            found = [pod for pod in pods if selector.items() <= pod["metadata"]["labels"].items()]
            assert found, title
            named = {port["name"] for pod in found for port in pod["spec"]["containers"][0].get("ports", [])}
            targets = {port["targetPort"] for port in each["spec"]["ports"]}
            assert {target for target in targets if isinstance(target, str)} <= named, title
        doors |= {int(port["nodePort"]): title for port in each["spec"]["ports"] if "nodePort" in port}
    assert doors.keys() == set(NODE_PORTS.values())


def test_no_secret_is_in_plain(deployed: Recorded) -> None:
    for request in deployed.recorder.requests:
        text = json.dumps(_without_secrets(MessageToDict(request.object)))
        assert SECRET not in text, request.name
    for title, each in deployed.objects().items():
        if each["kind"] == "Secret":
            assert each["data"][MARK] == SIGN, title


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return "[secret]" if value.get(MARK) == SIGN else {key: _without_secrets(each) for key, each in value.items()}
    return [_without_secrets(each) for each in value] if isinstance(value, list) else value


def test_a_pod_gets_its_own_secrets_only(deployed: Recorded) -> None:
    given: dict[str, set[str]] = {}
    for title, _, template in deployed.pods():
        sealed = [v["secret"] for v in template["spec"]["volumes"] if v["name"] == "sealed"]
        given[title] = {item["key"] for secret in sealed for item in secret["items"]}
    assert given["online-store-workload"] == {"online-store", "online-store-reader"}
    assert given["database-workload"] == {"database-admin"}
    assert given["feast-workload"] == {"database-feast-reader", "online-store-reader", "feast-token"}
    runs = {"database-feast", "objects-access-key", "objects-secret-key", "online-store", "mlflow-token"}
    assert runs == deployed.objects()["runs-flights-secrets"]["data"]["value"].keys()
    assert not any("controlplane-token" in names for title, names in given.items() if title != "controlplane-workload")


def test_the_preview_needs_no_cluster(deployed: Recorded) -> None:
    """The provider is configured with what the plan knows: no output of the cluster is in it."""
    [provider] = deployed.requests("pulumi:providers:kubernetes").values()
    config = MessageToDict(provider.object)
    assert config["kubeconfig"].startswith(str(ROOT / ".groundplan/kind/groundplan-kind-"))
    assert config["context"] == "kind-groundplan-kind"
    kinds = deployed.requests("groundplan:kind:Cluster")
    assert [urn.rsplit("::", 1)[-1] for urn in provider.dependencies] == list(kinds)


def test_what_is_in_a_kind_cluster_goes_with_it(deployed: Recorded) -> None:
    [cluster] = deployed.requests("groundplan:kind:Cluster").values()
    tops = [each for each in deployed.recorder.requests if each.name in ("platform", "admission", "tenancy", "runs")]
    assert len(tops) == 4
    assert {each.deletedWith.rsplit("::", 1)[-1] for each in tops} == {cluster.name}


def test_another_version_is_another_cluster_with_another_file(deployed: Recorded) -> None:
    newer = Recorded({"kind": {"version": "1.35.1"}})
    configs = [
        MessageToDict(next(iter(each.requests("pulumi:providers:kubernetes").values())).object)
        for each in (newer, deployed)
    ]
    assert configs[0]["clusterIdentifier"] != configs[1]["clusterIdentifier"]
    assert configs[0]["kubeconfig"] != configs[1]["kubeconfig"]


def test_the_second_time_is_the_same(deployed: Recorded) -> None:
    again = Recorded()
    assert again.objects() == deployed.objects()
    assert again.identities() == deployed.identities()


def test_everything_in_the_cluster_goes_through_its_provider_as_part_of_one(deployed: Recorded) -> None:
    for title, each in deployed.requests("kubernetes:").items():
        assert "::cluster-provider::" in each.provider, title
        assert PARTS & set(deployed.above(each)), title


def test_data_that_is_kept_outlives_the_stack(deployed: Recorded) -> None:
    gone = Recorded({"protection": {"keep_data": False}})
    for each, word in ((deployed, True), (gone, False)):
        assert each.requests("kubernetes:")["namespace"].retainOnDelete is word
        claims = each.objects()["database-workload"]["spec"]["persistentVolumeClaimRetentionPolicy"]
        assert claims["whenDeleted"] == ("Retain" if word else "Delete")


def test_the_platform_answers_at_what_the_plan_knows(deployed: Recorded) -> None:
    endpoints = deployed.outputs["endpoints"]
    assert endpoints["gateway"] == deployed.outputs["gateway"] == "https://localhost:15443"
    assert endpoints["controlplane"] == "http://127.0.0.1:15444"
    [groundplan] = deployed.requests("pulumi:providers:groundplan").values()
    assert groundplan.object["endpoint"] == endpoints["controlplane"]
    assert groundplan.object["stack_id"] == STACK_ID


def test_our_own_types_and_inputs_are_in_the_schema(deployed: Recorded) -> None:
    schema = json.loads(schema_json())["resources"]
    own = [each for each in deployed.requests("groundplan:").values() if each.custom]
    assert {"groundplan:kind:Cluster", "groundplan:stack:Certificate", "groundplan:stack:Secret"} <= {
        r.type for r in own
    }
    for request in own:
        assert set(request.object) <= schema[request.type]["inputProperties"].keys(), request.name
        assert set(schema[request.type]["requiredInputs"]) <= set(request.object), request.name


def test_the_gateway_knows_whose_answers_hold_personal_data() -> None:
    marked = Recorded(personal=["flights"])
    told = json.loads(marked.objects()["gateway-settings"]["data"]["settings.json"])
    assert told["personal"] == {"flights": ["delay"]}


def test_workers_with_gpus_ask_for_them_and_stand_their_taint() -> None:
    workers = {"cpu": {"min": 1, "max": 1}, "gpu": {"min": 1, "max": 2, "gpus": 1}}
    deployed = Recorded({"cluster": {"ray_workers": workers}})
    spec = json.loads(deployed.objects()["controlplane-made-templates"]["data"]["ray.json"])
    with_gpu = next(group for group in spec["workerGroupSpecs"] if group["groupName"] == "gpu")["template"]["spec"]
    assert with_gpu["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert with_gpu["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]
    assert spec["enableInTreeAutoscaling"] is True
    assert spec["headGroupSpec"]["template"]["spec"]["automountServiceAccountToken"] is True


def test_what_grows_is_not_told_how_many_it_is() -> None:
    busy = {"query": "sum(rate(envoy_http_downstream_rq_total[1m]))", "threshold": 200}
    parts = {
        "mlflow": {"replicas": 2, "scale": {"max": 4}},
        "gateway": {"scale": {"max": 6, "cpu_percent": 60, "events": (busy,)}},
        "database": {"right_size": "apply"},
    }
    objects = Recorded({"cluster": {"parts": parts}}).objects()
    by_cpus = objects["mlflow-scaled"]
    assert by_cpus["kind"] == "HorizontalPodAutoscaler"
    assert (by_cpus["spec"]["minReplicas"], by_cpus["spec"]["maxReplicas"]) == (2, 4)
    by_events = objects["gateway-scaled"]
    assert by_events["kind"] == "ScaledObject"
    assert [each["type"] for each in by_events["spec"]["triggers"]] == ["cpu", "prometheus"]
    assert by_events["spec"]["triggers"][1]["metadata"]["serverAddress"] == "http://prometheus.groundplan.svc:9090"
    for name in ("mlflow", "gateway"):
        assert "replicas" not in objects[f"{name}-workload"]["spec"]
    assert objects["database-sized"]["spec"]["updatePolicy"] == {"updateMode": "Auto"}
    assert objects["database-sized"]["spec"]["targetRef"]["kind"] == "StatefulSet"
    assert "feast-scaled" not in objects


def test_a_cluster_that_is_there_is_entered_by_its_ingress() -> None:
    cluster = {"ingress": {"host": "ml.example.org", "issuer": "letsencrypt"}, "images": {"pull_secret": "registry"}}
    deployed = Recorded({"target": "kubernetes", "kubernetes": {"context": "prod"}, "cluster": cluster})
    objects = deployed.objects()
    assert not deployed.requests("groundplan:kind:")
    assert not [
        t for t, each in objects.items() if each["kind"] == "Service" and each["spec"].get("type") == "NodePort"
    ]
    hosts = {objects[f"ingress-{name}"]["spec"]["rules"][0]["host"] for name in ("gateway", "controlplane")}
    assert hosts == {"ml.example.org", "api.ml.example.org"}
    assert deployed.outputs["gateway"] == "https://ml.example.org"
    assert deployed.outputs["endpoints"]["predict"] == "https://ml.example.org/serve/flights/delay"
    assert deployed.outputs["identity"] == "https://ml.example.org/identity"
    for _, _, template in deployed.pods():
        assert template["spec"]["imagePullSecrets"] == [{"name": "registry"}]


def test_the_gateway_api_leads_to_the_same_doors() -> None:
    ingress = {"host": "ml.example.org", "api": "gateway", "class_name": "envoy", "issuer": "letsencrypt"}
    deployed = Recorded({"target": "kubernetes", "kubernetes": {"context": "prod"}, "cluster": {"ingress": ingress}})
    objects = {name: each for name, each in deployed.objects().items() if name.startswith("ingress-")}
    kinds = sorted(each["kind"] for each in objects.values())
    assert kinds == ["BackendTLSPolicy", "ConfigMap", "Gateway", "HTTPRoute", "HTTPRoute", "HTTPRoute"]
    entrance = objects["ingress-entrance"]
    assert entrance["metadata"]["annotations"] == {"cert-manager.io/cluster-issuer": "letsencrypt"}
    assert entrance["spec"]["gatewayClassName"] == "envoy"
    listeners = {each["name"]: each for each in entrance["spec"]["listeners"]}
    secrets = {name: each["tls"]["certificateRefs"][0]["name"] for name, each in listeners.items() if "tls" in each}
    assert secrets == {"gateway": "groundplan-tls", "controlplane": "groundplan-tls-controlplane"}
    for name, host in (("gateway", "ml.example.org"), ("controlplane", "api.ml.example.org")):
        route = objects[f"ingress-{name}"]["spec"]
        assert route["hostnames"] == [listeners[name]["hostname"]] == [host]
        assert route["parentRefs"][0]["sectionName"] == name
        assert route["rules"][0]["backendRefs"][0]["name"] == name
    # Behind it the gateway is known by the stack's own authority, and by a name that its certificate is for.
    policy = objects["ingress-backend"]["spec"]
    certificate = MessageToDict(deployed.requests("groundplan:stack:Certificate")["gateway-certificate"].object)
    assert policy["validation"]["hostname"] in certificate["hosts"]
    assert objects["ingress-authority"]["data"] == {"ca.crt": "ca"}
    assert deployed.outputs["gateway"] == "https://ml.example.org"


def test_a_process_on_one_machine_is_refused() -> None:
    with pytest.raises(GroundplanError, match="topology single"):
        Recorded(topology="single")


def test_other_code_is_another_pod_and_every_process_knows_its_own(deployed: Recorded) -> None:
    wanted = ("controlplane-workload", "controlplane-made-templates")
    for title, _, template in deployed.pods():
        if title in wanted:
            [container] = template["spec"]["containers"]
            environment = {each["name"]: each["value"] for each in container["env"]}
            assert container["image"].endswith(f":{environment['GROUNDPLAN_CODE']}")


def test_the_control_plane_may_make_what_it_makes_and_no_more(deployed: Recorded) -> None:
    objects = deployed.objects()
    role = objects["controlplane-made-role"]
    assert role["kind"] == "Role"
    allowed = {(what, verb) for rule in role["rules"] for what in rule["resources"] for verb in rule["verbs"]}
    assert not {("secrets", verb) for verb in ("get", "list")} & allowed
    assert not any("*" in (what, verb) for what, verb in allowed)
    assert not {"jobs", "pods"} & {what for what, _ in allowed}
    inside = objects["runs-flights-role"]
    allowed = {(what, verb) for rule in inside["rules"] for what in rule["resources"] for verb in rule["verbs"]}
    reads = {("pods", "get"), ("pods", "list"), ("pods/log", "get"), ("pods/log", "list"), ("events", "list")}
    makes = {("jobs", verb) for verb in ("create", "get", "list", "patch")}
    assert allowed == reads | makes | {("serviceaccounts", "get")}
    [own] = [rule for rule in inside["rules"] if rule["resources"] == ["serviceaccounts"]]
    assert own["resourceNames"] == ["flights-run"]
    assert objects["runs-flights-role-binding"]["subjects"][0]["namespace"] == "groundplan"
    bound = objects["controlplane-made-role-binding"]["subjects"]
    assert bound == [{"kind": "ServiceAccount", "name": "controlplane", "namespace": "groundplan"}]
