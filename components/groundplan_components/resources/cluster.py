"""What a stack in a cluster needs of our own plugin, typed. Rules: ``groundplan.kind``, ``groundplan.local``."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

Text = pulumi.Input[str]


class KindCluster(pulumi.CustomResource):
    """A cluster of containers on this machine. ``path``: its kubeconfig file, known before there is a cluster."""

    kubeconfig: pulumi.Output[str]
    running: pulumi.Output[bool]

    def __init__(
        self,
        resource_name: str,
        *,
        name: Text,
        stack_id: Text,
        shape: Text,
        config: pulumi.Input[Mapping[str, Any]],
        path: Text,
        memory_mb: pulumi.Input[int],
        gpus: pulumi.Input[int] = 0,
        gpu_resource: Text = "nvidia.com/gpu",
        images: pulumi.Input[Sequence[Text]] = (),
        keep: pulumi.Input[bool] = True,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {"name": name, "stack_id": stack_id, "shape": shape, "config": config, "path": path}
        more = {"gpus": gpus, "gpu_resource": gpu_resource, "images": images, "memory_mb": memory_mb}
        more["keep"] = keep
        hidden = pulumi.ResourceOptions(additional_secret_outputs=["kubeconfig"])
        outputs = dict.fromkeys(("kubeconfig", "running", "claimed"))
        options = pulumi.ResourceOptions.merge(opts, hidden)
        super().__init__("groundplan:kind:Cluster", resource_name, {**inputs, **more, **outputs}, options)


class StackSecret(pulumi.CustomResource):
    """A generated secret that the stack's state keeps, encrypted. ``path``: a 0600 file of it, for what runs here."""

    value: pulumi.Output[str]

    def __init__(
        self,
        resource_name: str,
        *,
        name: Text,
        stack_id: Text,
        path: Text = "",
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {"name": name, "stack_id": stack_id, "path": path, "value": None, "intact": None}
        hidden = pulumi.ResourceOptions(additional_secret_outputs=["value"])
        options = pulumi.ResourceOptions.merge(opts, hidden)
        super().__init__("groundplan:stack:Secret", resource_name, inputs, options)


class StackCertificate(pulumi.CustomResource):
    """An authority and a certificate. ``path``: the authority's certificate here, which clients trust.

    ``only_hosts``: it is asked by those names alone, and not by this machine's, too; a proxy takes it then.
    """

    ca: pulumi.Output[str]
    chain: pulumi.Output[str]
    key: pulumi.Output[str]

    def __init__(
        self,
        resource_name: str,
        *,
        stack: Text,
        stack_id: Text,
        path: Text,
        hosts: pulumi.Input[Sequence[Text]],
        only_hosts: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        only = {"only_hosts": True} if only_hosts else {}
        inputs = {"stack": stack, "stack_id": stack_id, "path": path, "hosts": hosts, **only}
        outputs = dict.fromkeys(("ca", "ca_key", "chain", "key", "intact"))
        hidden = pulumi.ResourceOptions(additional_secret_outputs=["ca_key", "key"])
        options = pulumi.ResourceOptions.merge(opts, hidden)
        super().__init__("groundplan:stack:Certificate", resource_name, {**inputs, **outputs}, options)
