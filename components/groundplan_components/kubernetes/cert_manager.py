"""cert-manager 1.21.2 (Apache-2.0) from its chart, in a cluster that the stack makes: elsewhere it is there already.

The chart is rendered to our rules (limits, labels), so its objects are applied as they are; only images may be others.
They are in a namespace of their own, which is as closed as all of the platform's.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pulumi

from groundplan.targets.flows import ANYWHERE, API_PORTS, Flow, Peer
from groundplan_components.kubernetes import releases
from groundplan_components.kubernetes.images import CERT_MANAGER
from groundplan_components.kubernetes.objects import Manifest, declare
from groundplan_components.kubernetes.place import Place
from groundplan_components.kubernetes.tenancy import network, space
from groundplan_components.kubernetes.tenancy.component import admission_name

RELEASE = "v1.21.2"
SHIPPED, NAMESPACE = f"cert-manager-{RELEASE}", "cert-manager"
#: Where its webhook listens.
WEBHOOK = 10250
#: In this order: what is asked by the API server comes after who answers, and the job that sees it answer is last.
ORDER = (
    ("CustomResourceDefinition",),
    ("ServiceAccount", "ConfigMap", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", "Service"),
    ("NetworkPolicy",),
    ("Deployment",),
    ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"),
    ("Job",),
)


class CertManager(pulumi.ComponentResource):
    """The namespace, the types, then the rest in :data:`ORDER`. It is ready when its webhook answers."""

    def __init__(
        self, title: str, place: Place, images: Mapping[str, str], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("groundplan:kubernetes:CertManager", title, None, opts)
        home, found = replace(place, namespace=NAMESPACE), objects(place, images)
        made: list[pulumi.Resource] = []
        first = space.namespace(home, admission_name(place.stack))
        made.append(declare(f"{title}-namespace", first, pulumi.ResourceOptions(parent=self)))
        for kinds in ORDER:
            after = pulumi.ResourceOptions(parent=self, depends_on=made)
            made = [declare(f"{title}-{name}", each, _as(each, after)) for name, each in found if each["kind"] in kinds]
        self.register_outputs({})


def objects(place: Place, images: Mapping[str, str]) -> list[tuple[str, Manifest]]:
    """Return the release's objects and who may talk to whom: suffix of the title, manifest."""
    others = {image: images[name] for name, image in CERT_MANAGER.items()}
    shipped = [_ours(each, place, others) for each in releases.release(SHIPPED)]
    policies = network.network_policies(replace(place, namespace=NAMESPACE), flows())
    return [(_suffix(each), each) for each in (*shipped, *policies.values())]


def flows() -> Iterator[Flow]:
    """Yield the flows: all of it asks the API server, which asks the webhook."""
    pods = Peer("all", NAMESPACE)
    yield Flow(pods, Peer("api-server", cidr=ANYWHERE), API_PORTS, "the API server")
    yield Flow(Peer("api-server", cidr=ANYWHERE), pods, (WEBHOOK,), "its webhook, from a node's own network")


def _ours(found: Manifest, place: Place, images: Mapping[str, str]) -> Manifest:
    """With our labels beside its own, by which its Services find its pods, and the images that the stack names."""
    name = found["metadata"]["name"]
    labels = {**place.labels(name, "certificates"), **_kept(found["metadata"].get("labels", {}))}
    metadata = {**found["metadata"], "labels": labels}
    ours: Manifest = _imaged({**found, "metadata": metadata}, images)
    return ours


def _kept(labels: Mapping[str, str]) -> dict[str, str]:
    """Helm manages nothing here."""
    return {key: value for key, value in labels.items() if key not in ("app.kubernetes.io/managed-by", "helm.sh/chart")}


def _imaged(node: Any, images: Mapping[str, str]) -> Any:
    if isinstance(node, dict):
        return {
            key: images.get(value, value) if key == "image" and isinstance(value, str) else _imaged(value, images)
            for key, value in node.items()
        }
    return [_imaged(each, images) for each in node] if isinstance(node, list) else node


def _suffix(found: Manifest) -> str:
    return f"{found['kind']}-{found['metadata']['name']}".lower().replace(":", "-")


def _as(found: Manifest, opts: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
    if found["kind"] != "Job":
        return opts
    again = pulumi.ResourceOptions(delete_before_replace=True, replace_on_changes=["spec.template"])
    return pulumi.ResourceOptions.merge(opts, again)
