"""What MiniStack's EKS lacks for a whole life: it keeps all it was told, and answers updates."""

import json
import re
from typing import Any
from urllib.parse import unquote

from ministack.services import eks  # type: ignore[import-not-found]

answered, tagged = eks._handle_request_sync, eks._tag_resource
updates: dict[str, dict[str, Any]] = {}
GROUP = r"/clusters/([^/]+)/node-groups"
ADDON = r"/clusters/([^/]+)/addons(?:/[^/]+)?(?:/update)?"


def handle(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
    """Answer what MiniStack does not; hand it the rest, and keep what it would forget."""
    told = json.loads(body) if body else {}
    for pattern, verb, act in ROUTES:
        found = re.fullmatch(pattern, path)
        if found and method == verb:
            return act(told, *found.groups())
    if found := re.fullmatch(ADDON, path):
        return addon(answered, found[1], told, (method, path, headers, query))
    answer = answered(method, path, headers, body, query)
    if method == "POST" and path == "/clusters":
        keep(eks._clusters.get(told.get("name")), told, ("upgradePolicy", "accessConfig"))
    if method == "POST" and (found := re.fullmatch(GROUP, path)):
        keep(eks._nodegroups.get(f"{found[1]}/{told.get('nodegroupName')}"), told, ("launchTemplate", "updateConfig"))
    return answer


def keep(record: dict[str, Any] | None, told: dict[str, Any], keys: tuple[str, ...]) -> None:
    """Put into a record what was told of it."""
    if record is not None:
        record.update({key: told[key] for key in keys if key in told})


def addon(ask: Any, cluster: str, told: dict[str, Any], request: tuple[Any, ...]) -> Any:
    """Make associations of the roles that an add-on is given: its record names them, as that of AWS does."""
    method, path, headers, query = request
    given = told.get("podIdentityAssociations")
    if isinstance(given, list):
        told = told | {"podIdentityAssociations": [associated(cluster, one) for one in given]}
    return ask(method, path, headers, json.dumps(told).encode() if told else b"", query)


def associated(cluster: str, given: dict[str, str]) -> str:
    """Return the ARN of the association of an add-on's service account, made anew."""
    account = {"namespace": "kube-system", "serviceAccount": given["serviceAccount"]}
    for each in list(eks._pod_identity_associations.values()):
        if each["clusterName"] == cluster and account.items() <= each.items():
            eks._delete_pod_identity_association(cluster, each["associationId"])
    eks._create_pod_identity_association(cluster, {**account, "roleArn": given["roleArn"]})
    [made] = [each for each in eks._pod_identity_associations.values()
              if each["clusterName"] == cluster and account.items() <= each.items()]  # fmt: skip
    return str(made["associationArn"])


def cluster_update(told: dict[str, Any], name: str, _: str) -> Any:
    """A new version, other logs, another endpoint."""
    cluster = eks._clusters[name]
    keep(cluster, told, ("version", "logging", "upgradePolicy", "accessConfig"))
    cluster["resourcesVpcConfig"].update(told.get("resourcesVpcConfig", {}))
    return update("VersionUpdate" if "version" in told else "ConfigUpdate")


def group_update(told: dict[str, Any], cluster: str, name: str, what: str) -> Any:
    """A new version or template; other sizes, labels, taints."""
    group = eks._nodegroups[f"{cluster}/{name}"]
    keep(group, told, ("version", "releaseVersion", "launchTemplate", "updateConfig"))
    group["scalingConfig"].update(told.get("scalingConfig", {}))
    labels = told.get("labels", {})
    kept = {key: value for key, value in group["labels"].items() if key not in labels.get("removeLabels", [])}
    group["labels"] = kept | labels.get("addOrUpdateLabels", {})
    taints = told.get("taints", {})
    gone = [(each["key"], each["effect"]) for names in taints.values() for each in names]
    left = [each for each in group["taints"] if (each["key"], each["effect"]) not in gone]
    group["taints"] = left + taints.get("addOrUpdateTaints", [])
    return update("VersionUpdate" if what == "version" else "ConfigUpdate")


def update(kind: str) -> Any:
    """Remember an update as done."""
    made = {"id": eks.new_uuid(), "status": "Successful", "type": kind, "params": [], "errors": []}
    updates[made["id"]] = made | {"createdAt": eks._now()}
    return eks._json_resp(200, {"update": updates[made["id"]]})


def asked(_: dict[str, Any], __: str, id: str) -> Any:
    """Tell how an update is."""
    return eks._json_resp(200, {"update": updates[id]}) if id in updates else eks._error(404, "NotFound", id)


ROUTES = (
    (rf"{GROUP}/([^/]+)/update-(config|version)", "POST", group_update),
    (r"/clusters/([^/]+)/(update-config|updates)", "POST", cluster_update),
    (r"/clusters/([^/]+)/updates/([^/]+)", "GET", asked),
)


def tag(arn: str, told: dict[str, Any]) -> Any:
    """Tag something, also in the record that is told when it is asked for."""
    answer = tagged(arn, told)
    for store, key in ((eks._clusters, "arn"), (eks._nodegroups, "nodegroupArn"), (eks._addons, "addonArn")):
        for record in store.values():
            if record[key] == unquote(arn):
                record["tags"] = {**record.get("tags", {}), **told.get("tags", {})}
    return answer


def mend() -> None:
    """Put this in the place of what MiniStack does."""
    eks._tag_resource = tag
    eks._handle_request_sync = handle
