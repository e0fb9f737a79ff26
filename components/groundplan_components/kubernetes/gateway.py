"""The gateway: Envoy, the platform's one door for people and their programs."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace

import pulumi

from groundplan.gateway import Settings
from groundplan_components.kubernetes.objects import Manifest, declare
from groundplan_components.kubernetes.part import Shared, encoded, http_probe, own_pod, plain
from groundplan_components.kubernetes.pods import Mount, Probes
from groundplan_components.kubernetes.site import PORTS, Site
from groundplan_components.kubernetes.sizes import replicas
from groundplan_components.kubernetes.workload import Workload, WorkloadSpec
from groundplan_components.resources import StackCertificate

SECRETS = ("gateway-token", "feast-token", "mlflow-token", "ray-token", "serving-token")
UPSTREAMS = ("identity", "controlplane", "mlflow", "feast", "ray", "serve")
NAME, DECLARED, TLS = "gateway", "/etc/groundplan-gateway", "/etc/groundplan-tls"
#: The Secret of its certificate.
TLS_SECRET = f"{NAME}-tls"
STATISTICS = 9901
#: Where the issuer's keys lie, below its address.
KEYS = "/identity/jwks"


class Gateway(pulumi.ComponentResource):
    """Envoy behind a certificate of the stack's own (``authority``: who signed it). Several: it keeps nothing."""

    authority: pulumi.Output[str]

    def __init__(
        self, title: str, site: Site, shared: Shared, path: str, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("groundplan:kubernetes:Gateway", title, None, opts)
        own = pulumi.ResourceOptions(parent=self)
        place = site.place
        certificate = StackCertificate(
            f"{title}-certificate", stack=place.stack, stack_id=place.stack_id, path=path, hosts=hosts(site),
            only_hosts=NAME not in site.nodeports, opts=own,
        )  # fmt: skip
        self.authority = certificate.ca
        declared = json.dumps(settings(site).to_dict(), sort_keys=True, indent=1)
        config = declare(f"{title}-settings", _config_map(site, declared), own)
        tls = declare(f"{title}-tls", _tls(site, certificate), own)
        pod = own_pod(
            site, "gateway", shared,
            ("groundplan.local.launch.gateway_pod", f"{DECLARED}/settings.json", TLS, f"gateway_admin={STATISTICS}"),
            Probes(http_probe("/ready", "statistics"), start_seconds=60), image="services", port="https",
            ports={"statistics": STATISTICS}, secrets=SECRETS,
            more=(
                Mount("declared", DECLARED, {"configMap": {"name": f"{NAME}-settings", "defaultMode": 0o440}}),
                Mount("tls", TLS, {"secret": {"secretName": TLS_SECRET, "defaultMode": 0o440}}),
            ),
        )  # fmt: skip
        pod = replace(pod, settings=certificate.chain.apply(lambda chain: _digest(shared.digest, declared, chain)))
        spec = WorkloadSpec(
            pod, replicas("gateway", site.cluster), doors=site.door("gateway", "https"),
            figures={"statistics": STATISTICS}, service={"https": PORTS[NAME]},
        )  # fmt: skip
        after = pulumi.ResourceOptions(parent=self, depends_on=[config, tls])
        self.server = Workload("Server", title, spec, place, after)
        self.register_outputs({"address": site.outside["gateway"]})


def settings(site: Site) -> Settings:
    """Return what the gateway is told; the stack's own issuer calls itself by the gateway's address."""
    own = site.issuer == f"{site.outside['gateway']}/identity"
    return Settings(
        port=PORTS[NAME],
        projects=tuple(sorted(site.projects)),
        upstreams={each: site.address(each) for each in UPSTREAMS if own or each != "identity"},
        issuer=site.issuer,
        jwks=f"{site.url('identity')}{KEYS}" if own else "",
        bind="0.0.0.0",  # noqa: S104  (in a pod)
        hosts=site.hosts("gateway"),
        personal=site.personal,
    )


def hosts(site: Site) -> Sequence[str]:
    """Return the names that the certificate is for: inside of the cluster, and outside."""
    return sorted({plain(host) for host in site.hosts("gateway")})


def _config_map(site: Site, text: str) -> Manifest:
    metadata = site.place.metadata(f"{NAME}-settings", "gateway")
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"settings.json": text}}


def _tls(site: Site, certificate: StackCertificate) -> Manifest:
    data = encoded({"tls.crt": certificate.chain, "tls.key": certificate.key})
    metadata = site.place.metadata(TLS_SECRET, "gateway")
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "kubernetes.io/tls", "data": data}


def _digest(*texts: str) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]
