"""The platform's generated secrets: kept by the stack's state, given to pods as files."""

from collections.abc import Mapping, Sequence

import pulumi

from groundplan_components.resources import StackSecret

#: Secrets of the platform's own services, and of the data services that run in the cluster.
OWN = (
    "controlplane-token", "gateway-token", "feast-token", "mlflow-token", "ray-token", "serving-token", "identity-seal",
    "grafana-admin",
)  # fmt: skip
DATA = (
    "database-admin", "database-mlflow", "database-feast", "database-feast-reader", "database-controlplane",
    "database-identity",
    "objects-access-key", "objects-secret-key", "objects-sts", "online-store",
    "online-store-reader",
)  # fmt: skip


class Secrets(pulumi.ComponentResource):
    """Generated values. ``values``: name → secret output. Of the control plane's token a file is kept here."""

    values: Mapping[str, pulumi.Output[str]]

    def __init__(
        self,
        title: str,
        stack_id: str,
        files: Mapping[str, str],
        names: Sequence[str] = (*OWN, *DATA),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("groundplan:kubernetes:Secrets", title, None, opts)
        own = pulumi.ResourceOptions(parent=self)
        made = {
            name: StackSecret(name, name=name, stack_id=stack_id, path=files.get(name, ""), opts=own) for name in names
        }
        self.values = {name: each.value for name, each in made.items()}
        self.register_outputs({})
