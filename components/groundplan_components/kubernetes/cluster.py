"""The cluster of a stack, behind one interface: made by Kind, or one that is there. EKS is a third."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import pulumi
import pulumi_kubernetes as k8s

from groundplan.kind.config import ClusterConfig
from groundplan.spec import StackSpec
from groundplan_components.resources import KindCluster as KindResource


class Cluster(Protocol):
    """Where the platform's services run. ``ready``: what must stand before an object is applied.

    ``gone_with``: with whose end every object in it is gone, so that none is deleted by itself; None: with none.
    """

    name: str
    provider: k8s.Provider
    ready: Sequence[pulumi.Resource]
    gone_with: pulumi.Resource | None


class KindCluster(pulumi.ComponentResource):
    """A cluster of containers on this machine. Another shape is another cluster, and so another provider."""

    name: str
    provider: k8s.Provider
    ready: Sequence[pulumi.Resource]
    gone_with: pulumi.Resource | None

    def __init__(
        self,
        title: str,
        stack: StackSpec,
        stack_id: str,
        root: Path,
        images: Sequence[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("groundplan:kubernetes:KindCluster", title, None, opts)
        config = ClusterConfig.of(stack, stack_id, root, images)
        self.name = config.name
        # Named by its shape: one made anew is another resource, with whose older namesake its objects go.
        own = pulumi.ResourceOptions(parent=self)
        self.cluster = KindResource(f"{title}-kind-{config.shape}", **config.inputs(), opts=own)
        self.provider = provider(
            f"{title}-provider",
            kubeconfig=config.kubeconfig,
            context=config.context,
            identifier=config.identifier,
            # What was in a cluster that is gone is gone with it: nobody is to be asked about it.
            gone=True,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self.cluster]),
        )
        self.ready, self.gone_with = [self.cluster], self.cluster
        self.register_outputs({"name": self.name, "kubeconfig": self.cluster.kubeconfig})


class ExistingCluster(pulumi.ComponentResource):
    """A cluster that somebody else made, by its context in a kubeconfig file. Never created, never deleted."""

    name: str
    provider: k8s.Provider
    ready: Sequence[pulumi.Resource]
    gone_with: pulumi.Resource | None

    def __init__(self, title: str, stack: StackSpec, root: Path, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("groundplan:kubernetes:ExistingCluster", title, None, opts)
        named = stack.kubernetes
        self.name = named.context or "default"
        self.provider = provider(
            f"{title}-provider",
            kubeconfig=str((root / Path(named.kubeconfig).expanduser()).resolve()),
            context=named.context,
            identifier=self.name,
            gone=False,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.ready, self.gone_with = [], None
        self.register_outputs({"name": self.name})


def provider(
    title: str,
    *,
    kubeconfig: pulumi.Input[str],
    context: str | None,
    identifier: str,
    gone: bool,
    opts: pulumi.ResourceOptions,
) -> k8s.Provider:
    """Return the provider of one cluster, configured with what the plan knows.

    A path, never an output: an unknown kubeconfig leaves the preview without its objects (pulumi-kubernetes#2346,
    #3027); a file that is not there yet does not. ``identifier``: with another one everything is made anew.
    """
    return k8s.Provider(
        title,
        kubeconfig=kubeconfig,
        context=context,
        cluster_identifier=identifier,
        delete_unreachable=gone,
        enable_server_side_apply=True,
        # In place, and named as declared: replaced by name they would be missing for a moment.
        enable_config_map_mutable=True,
        enable_secret_mutable=True,
        # An up that was killed left objects that its state does not know: they are adopted, not refused.
        upsert_existing_objects=True,
        opts=opts,
    )
