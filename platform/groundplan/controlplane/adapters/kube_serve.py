"""Ray Serve as KubeRay's RayService: the document that Serve takes elsewhere is handed to the operator.

The operator gives it to Ray, again after every restart. A RayService whose cluster is to be another one (an image,
settings) is upgraded: the new cluster is given the same document, and when all runs there the operator lets the
services lead to it (https://docs.ray.io/en/latest/cluster/kubernetes/user-guides/rayservice.html).
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from groundplan.controlplane.adapters import templates
from groundplan.controlplane.adapters.kube_api import KubeApi, message
from groundplan.controlplane.adapters.ray_serve import RayServe
from groundplan.controlplane.ray_dashboard import Dashboard
from groundplan.errors import ServiceError
from groundplan_runtime.config import Runtime

NAME, MANAGER = "ray", "groundplan-controlplane"
APPLY = "application/apply-patch+yaml"
DIGEST = "groundplan.dev/template"
#: Where a head's dashboard listens.
PORT = 8265


class KubeServe(RayServe):
    """Applications of the one RayService of a platform, which is there while there is an application."""

    #: The operator's service leads to workers as well as to the head: to each that is ready.
    proxies = "EveryNode"
    nodes = 900.0

    def __init__(self, runtime: Runtime, api: KubeApi, template: Mapping[str, Any]) -> None:
        super().__init__(runtime)
        self._api, self._template = api, template
        self._heads: dict[str, Dashboard] = {}
        ours = f"/apis/ray.io/v1/namespaces/{api.namespace}"
        self._path, self._clusters = f"{ours}/rayservices/{NAME}", f"{ours}/rayclusters"

    def session(self) -> str:
        """Return the name of the cluster that is given the document: the operator gives it again to a restarted one."""
        return self._cluster(self._service()) or ""

    def renew(self) -> None:
        """Begin an upgrade when the cluster is to be another one than the RayService has. The caller holds the lock."""
        service = self._service()
        if service is not None and service["metadata"].get("annotations", {}).get(DIGEST) != self._digest():
            self._put_all(_applications(service))

    def delete(self, application: str) -> None:
        """Take one application away; harmless when it is not there."""
        declared = _applications(self._service())
        left = [each for each in declared if each["name"] != application]
        if len(left) < len(declared):
            self._put_all(left)

    def _look(self, application: str) -> tuple[dict[str, Any] | None, str | None]:
        """Until the services lead to the cluster that runs it, it does not run."""
        found, problem = super()._look(application)
        if found is not None and found["status"] == "RUNNING" and _cluster_of(self._service(), "pendingServiceStatus"):
            return {**found, "status": "DEPLOYING"}, problem
        return found, problem

    def applications(self) -> dict[str, dict[str, Any]]:
        """Return every application of the document; one that Ray was not given yet as on its way."""
        declared = {each["name"]: each for each in _applications(self._service())}
        given = super().applications() if declared else {}
        on_its_way = {"status": "DEPLOYING", "message": "", "deployments": {}}
        return {
            name: given[name] if name in given and _is(given[name], config) else {**on_its_way, "config": config}
            for name, config in declared.items()
        }

    def _door(self) -> Dashboard | None:
        """Each cluster has a service of its own; the RayService's is there only once everything runs."""
        cluster = self._cluster(self._service())
        answer = self._api.ask("GET", f"{self._clusters}/{cluster}") if cluster else None
        if answer is None or not answer.is_success:
            return None
        head = (answer.json().get("status", {}).get("head") or {}).get("serviceName")
        if not head:
            return None
        if head not in self._heads:
            self._heads = {head: Dashboard(self._runtime, f"http://{head}.{self._api.namespace}.svc:{PORT}")}
        return self._heads[head]

    def _others(self, names: set[str]) -> list[dict[str, Any]]:
        return [each for each in _applications(self._service()) if each["name"] not in names]

    def _put_all(self, applications: list[dict[str, Any]]) -> None:
        if not applications:
            self._answered(self._api.ask("DELETE", self._path), 200, 202, 404)
            return
        metadata = {
            "name": NAME,
            "annotations": {DIGEST: self._digest()},
            "labels": self._template["headGroupSpec"]["template"]["metadata"]["labels"],
            "ownerReferences": [self._api.owner("ConfigMap", self._api.namespace, templates.owner())],
        }
        spec = {
            "serveConfigV2": json.dumps(self._document(applications), sort_keys=True),
            "rayClusterConfig": self._template,
            "upgradeStrategy": {"type": "NewCluster"},
        }
        body = {"apiVersion": "ray.io/v1", "kind": "RayService", "metadata": metadata, "spec": spec}
        query = {"fieldManager": MANAGER, "force": "true"}
        self._answered(self._api.ask("PATCH", self._path, body, query, APPLY), 200, 201)

    def _answered(self, answer: Any, *codes: int) -> None:
        if answer.status_code not in codes:
            raise ServiceError(f"the cluster does not take the RayService {NAME}: {message(answer)}")

    def _service(self) -> dict[str, Any] | None:
        answer = self._api.ask("GET", self._path)
        found = dict(answer.json()) if answer.status_code == 200 else None
        return None if found is None or found["metadata"].get("deletionTimestamp") else found

    def _cluster(self, service: Mapping[str, Any] | None) -> str | None:
        """The pending cluster while there is one: the document goes there, and nowhere else."""
        return _cluster_of(service, "pendingServiceStatus") or _cluster_of(service, "activeServiceStatus")

    def _digest(self) -> str:
        return hashlib.sha256(json.dumps(self._template, sort_keys=True).encode()).hexdigest()[:16]


def _is(found: Mapping[str, Any], config: Mapping[str, Any]) -> bool:
    return all(found["config"].get(key) == value for key, value in config.items())


def _applications(service: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    return list(json.loads(service["spec"]["serveConfigV2"])["applications"]) if service else []


def _cluster_of(service: Mapping[str, Any] | None, which: str) -> str | None:
    return ((service or {}).get("status", {}).get(which) or {}).get("rayClusterName") or None
