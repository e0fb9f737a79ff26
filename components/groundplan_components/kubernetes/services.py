"""The platform in a cluster, in its order: namespace, settings, data services, the services on them."""

from collections.abc import Sequence
from pathlib import Path

import pulumi

from groundplan.identity.declaration import Subject
from groundplan_components.kubernetes.backup import Backup
from groundplan_components.kubernetes.control_plane import ControlPlane
from groundplan_components.kubernetes.data import DataServices
from groundplan_components.kubernetes.database import Database, roles
from groundplan_components.kubernetes.envoy_gateway import EnvoyGateway
from groundplan_components.kubernetes.feature_server import FeatureServer
from groundplan_components.kubernetes.gateway import Gateway
from groundplan_components.kubernetes.identity import Identity
from groundplan_components.kubernetes.ingress import ingresses
from groundplan_components.kubernetes.monitoring import Monitoring
from groundplan_components.kubernetes.object_store import ObjectStore, buckets
from groundplan_components.kubernetes.objects import Manifest, declare
from groundplan_components.kubernetes.online_store import OnlineStore
from groundplan_components.kubernetes.part import Settings, Shared
from groundplan_components.kubernetes.ray import Ray, RayOperator
from groundplan_components.kubernetes.site import Site
from groundplan_components.kubernetes.tenancy import space
from groundplan_components.kubernetes.tenancy.component import admission_name
from groundplan_components.kubernetes.tracking import Tracking


class PlatformServices(pulumi.ComponentResource):
    """Every service of the platform. ``database``: with its removal all ML resources are gone.

    ``people``: whom the stack's own issuer knows, None where another issuer is named; ``ca``: where the certificate
    lies by which clients know the gateway. ``space``: the namespace that all are in.
    """

    database: pulumi.Resource
    space: pulumi.Resource

    def __init__(
        self,
        title: str,
        site: Site,
        data: DataServices,
        people: Sequence[Subject] | None,
        ca: str,
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("groundplan:kubernetes:Platform", title, None, opts)
        kept = pulumi.ResourceOptions(parent=self, retain_on_delete=site.place.keep)
        self.space = declare("namespace", namespace(site), kept)
        shared = Settings("settings", site, data, self._after(self.space)).shared
        stores = self._stores(site, shared) if data.resource is None else []
        self.database = data.resource or stores[0].server.workload
        made = [
            roles("database-setup", site, shared, self._after(shared.config, shared.secrets, *stores)),
        ]
        if data.objects is not None:  # a cloud's buckets are made by whoever declares them
            made.append(buckets("objects-setup", site, shared, self._after(shared.config, shared.secrets, *stores)))
        tracking = Tracking("mlflow", site, shared, self._after(*made))
        operator = RayOperator("ray-operator", site, self._after(self.space))
        ray = Ray("ray", site, shared, data.secrets["ray-token"], self._after(shared.config, shared.secrets, operator))
        FeatureServer("feast", site, shared, self._after(*made))
        plane = ControlPlane("controlplane", site, shared, self._after(tracking, ray, *made))
        issuer = [] if people is None else [Identity("identity", site, shared, people, self._after(*made))]
        gateway = Gateway("gateway", site, shared, ca, self._after(plane, *issuer))
        entrance = self._entrance(site, ca)
        for name, manifest in ingresses(site, gateway.authority).items():
            declare(f"ingress-{name}", manifest, self._after(gateway, *entrance))
        if data.resource is None:
            Backup("backup", site, shared, self._after(*made))
        if site.cluster.monitoring:
            Monitoring("monitoring", site, shared.secrets, self._after(self.space))
        self.register_outputs({"namespace": site.place.namespace})

    def _entrance(self, site: Site, ca: str) -> list[EnvoyGateway]:
        """What serves the Gateway API, where the stack has to bring it."""
        if not site.proxied or site.cluster.ingress is None:
            return []
        path = str(Path(ca).with_name("proxy-ca.pem"))
        return [EnvoyGateway("entrance", site, site.cluster.ingress, path, self._after(self.space))]

    def _stores(self, site: Site, shared: Shared) -> list[Database | ObjectStore | OnlineStore]:
        after = self._after(shared.config, shared.secrets)
        return [
            Database("database", site, shared, after),
            ObjectStore("objects", site, shared, after),
            OnlineStore("online-store", site, shared, after),
        ]

    def _after(self, *parts: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, depends_on=list(parts))


def namespace(site: Site) -> Manifest:
    """Return the platform's own namespace: it is held to the rules that teams are held to.

    Data that is kept is in it, so then it outlives the stack.
    """
    return space.namespace(site.place, admission_name(site.place.stack))
