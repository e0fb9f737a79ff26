"""Prometheus, which asks the platform's services for their figures, and Grafana, which shows them."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from groundplan_components.kubernetes.gateway import STATISTICS
from groundplan_components.kubernetes.objects import Manifest, declare
from groundplan_components.kubernetes.part import SECRETS, http_probe
from groundplan_components.kubernetes.pods import Container, Mount, Pod, Probes
from groundplan_components.kubernetes.ray import METRICS
from groundplan_components.kubernetes.site import PORTS, Site
from groundplan_components.kubernetes.sizes import storage_gb
from groundplan_components.kubernetes.workload import Storage, Workload, WorkloadSpec

DAYS = 15
PASSWORD = "grafana-admin"  # noqa: S105  (a secret's name)


@dataclass(frozen=True)
class Asked:
    """Whom Prometheus asks: a name that leads to every pod of a service, port and path of its figures."""

    host: str
    port: int
    path: str = "/metrics"


class Monitoring(pulumi.ComponentResource):
    """Both servers with their configuration, which is all in the declaration."""

    def __init__(
        self, title: str, site: Site, secrets: pulumi.Resource, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("groundplan:kubernetes:Monitoring", title, None, opts)
        own = pulumi.ResourceOptions(parent=self, depends_on=[secrets])
        for name, files in (("prometheus", scraping(site)), ("grafana", provisioning(site))):
            config = declare(f"{name}-settings", _config_map(site, name, files), own)
            after = pulumi.ResourceOptions(parent=self, depends_on=[config])
            Workload("Server", name, _spec(site, name, _digest(files)), site.place, after)
        self.register_outputs({})


def scraping(site: Site) -> dict[str, str]:
    """Return Prometheus' configuration: every service that has figures, by name; it asks no Kubernetes API."""
    inside = f"{site.place.namespace}.svc"
    asked = {
        "gateway": Asked(f"gateway-pods.{inside}", STATISTICS, "/stats/prometheus"),
        "ray": Asked(f"ray-pods.{inside}", METRICS),
    }
    jobs = [
        {
            "job_name": name,
            "metrics_path": each.path,
            "dns_sd_configs": [{"names": [each.host], "type": "A", "port": each.port, "refresh_interval": "15s"}],
        }
        for name, each in asked.items()
    ]
    itself = {"job_name": "prometheus", "static_configs": [{"targets": [f"localhost:{PORTS['prometheus']}"]}]}
    shown = {"global": {"scrape_interval": "15s", "external_labels": {"stack": site.place.stack}}}
    return {"prometheus.yml": json.dumps({**shown, "scrape_configs": [itself, *jobs]}, indent=1)}  # JSON is YAML


def provisioning(site: Site) -> dict[str, str]:
    """Return Grafana's: where the figures are."""
    source = {"name": "Prometheus", "type": "prometheus", "uid": "prometheus", "access": "proxy", "isDefault": True}
    document = {"apiVersion": 1, "datasources": [{**source, "url": site.url("prometheus"), "editable": False}]}
    return {"datasources.yaml": json.dumps(document, indent=1)}


def _spec(site: Site, name: str, settings: str) -> WorkloadSpec:
    pod = _prometheus(site, settings) if name == "prometheus" else _grafana(site, settings)
    storage = Storage(storage_gb("prometheus", site.cluster)) if name == "prometheus" else None
    return WorkloadSpec(pod, storage=storage, doors=site.door("prometheus" if name == "prometheus" else "grafana"))


def _prometheus(site: Site, settings: str) -> Pod:
    flags = (
        "--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus",
        f"--storage.tsdb.retention.time={DAYS}d",
    )  # fmt: skip
    container = Container(
        "prometheus", site.images["prometheus"], ("/bin/prometheus", *flags), site.size("prometheus"),
        ports={"http": PORTS["prometheus"]},
        mounts=(_configured("prometheus", "/etc/prometheus"), Mount("data", "/prometheus", None, read_only=False)),
        probes=Probes(http_probe("/-/ready"), alive=http_probe("/-/healthy")),
    )  # fmt: skip
    return Pod("prometheus", "prometheus", (container,), settings=settings, stop_seconds=60)


def _grafana(site: Site, settings: str) -> Pod:
    sealed = {"secret": {"secretName": SECRETS, "defaultMode": 0o440, "items": [{"key": PASSWORD, "path": PASSWORD}]}}
    environment = {
        "GF_SECURITY_ADMIN_PASSWORD__FILE": f"/etc/grafana-secret/{PASSWORD}",
        "GF_PATHS_DATA": "/var/lib/grafana",
        "GF_ANALYTICS_REPORTING_ENABLED": "false",
        "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
        "GF_PLUGINS_PREINSTALL_DISABLED": "true",
    }
    container = Container(
        "grafana", site.images["grafana"], (), site.size("grafana"), ports={"http": PORTS["grafana"]},
        environment=environment,
        mounts=(
            _configured("grafana", "/etc/grafana/provisioning/datasources"),
            Mount("password", "/etc/grafana-secret", sealed),
            Mount("data", "/var/lib/grafana", {"emptyDir": {"sizeLimit": "1Gi"}}, read_only=False),
            Mount("logs", "/var/log/grafana", {"emptyDir": {"sizeLimit": "256Mi"}}, read_only=False),
        ),
        probes=Probes(http_probe("/api/health")),
    )  # fmt: skip
    return Pod("grafana", "grafana", (container,), settings=settings, user=472)


def _configured(name: str, path: str) -> Mount:
    return Mount("settings", path, {"configMap": {"name": f"{name}-settings", "defaultMode": 0o440}})


def _config_map(site: Site, name: str, files: Mapping[str, str]) -> Manifest:
    metadata = site.place.metadata(f"{name}-settings", name)
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict(files)}


def _digest(files: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()[:16]
