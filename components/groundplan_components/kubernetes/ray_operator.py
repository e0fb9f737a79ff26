"""KubeRay's operator as its release 1.6.1 ships it (Apache-2.0): types as they are, its Deployment to our rules."""

from collections.abc import Iterator

from groundplan_components.kubernetes import releases
from groundplan_components.kubernetes.objects import Manifest
from groundplan_components.kubernetes.place import Place
from groundplan_components.kubernetes.pods import Container, Pod, Probes
from groundplan_components.kubernetes.site import Site
from groundplan_components.kubernetes.workload import WorkloadSpec, manifests

RELEASE = "v1.6.1"
SHIPPED = f"kuberay-{RELEASE}"
NAME = "kuberay-operator"


def types() -> list[Manifest]:
    """Return the CustomResourceDefinitions. Another release's: ``python -m groundplan.tools.manifests``."""
    return releases.types(SHIPPED)


def objects(site: Site) -> dict[str, Manifest]:
    """Return its rights and its Deployment: suffix of the title → manifest. It alone gets a service account's token."""
    place = site.place
    container = Container(
        NAME,
        site.images["ray_operator"],
        ("/manager", f"--leader-election-namespace={place.namespace}"),
        site.size("ray_operator"),
        ports={"http": 8080},
        # No workload of ours waits by an init container that is unlike its others.
        environment={"ENABLE_INIT_CONTAINER_INJECTION": "true"},
        probes=Probes({"httpGet": {"path": "/metrics", "port": "http"}}, start_seconds=120),
    )
    pod = Pod(NAME, "ray_operator", (container,), token=True, stop_seconds=10)
    return {**dict(_rights(place)), **manifests(WorkloadSpec(pod, alone=True), place)}


def _rights(place: Place) -> Iterator[tuple[str, Manifest]]:
    """The release's own rules, less what no cluster of ours has; bound in the namespaces' cluster role."""
    for each in releases.release(SHIPPED):
        if each["kind"] in ("ClusterRole", "Role"):
            rules = [rule for rule in each["rules"] if rule["apiGroups"] != ["route.openshift.io"]]
            yield from releases.bound({**each, "rules": rules}, NAME, "ray_operator", place)
