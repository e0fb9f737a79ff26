"""How the program enters the cluster: a kubeconfig on this machine, without a secret in it."""

import asyncio
import atexit
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pulumi
import pulumi_kubernetes as k8s
import yaml

from groundplan.account import close_tunnel, open_tunnel
from groundplan_components.aws.eks import Cluster
from groundplan_components.aws.site import Site
from groundplan_components.kubernetes.cluster import provider


@dataclass
class EksCluster:
    """EKS behind the interface of every cluster (:class:`groundplan_components.kubernetes.cluster.Cluster`)."""

    name: str
    provider: k8s.Provider
    ready: Sequence[pulumi.Resource]
    #: Nothing goes with it unasked: volumes are AWS's, and stay behind unless their claims are deleted while it stands.
    gone_with: pulumi.Resource | None = None


def entered(site: Site, cluster: Cluster, path: Path, tunnel: pulumi.Output[str] | None = None) -> EksCluster:
    """Return the cluster with its provider. The kubeconfig is written at ``path`` once the cluster is there.

    ``tunnel``: the command that opens the way to a private endpoint. It is run once the machine that it leads through
    is there, and ends with the program; ``groundplan`` opens it before the engine where the machine is there already.
    """
    name = site.name("", 100)
    # The provider is given a path, which a preview knows, and waits for the file: an address that is not known yet
    # would leave the preview without everything that is in the cluster.
    written = pulumi.Output.all(cluster.cluster.endpoint, cluster.cluster.certificate_authority).apply(
        lambda found: _written(cluster.cluster, path, kubeconfig(site, name, found[0], found[1]["data"])),
        run_with_unknowns=True,
    )
    ways: list[Any] = [written] if tunnel is None else [written, _reached(site, cluster, tunnel)]
    made = provider(
        "cluster-provider",
        kubeconfig=str(path),
        context=name,
        identifier=site.arn("eks", f"cluster/{name}"),
        gone=False,
        opts=pulumi.ResourceOptions(parent=cluster, depends_on=ways),
    )
    return EksCluster(name, made, cluster.ready)


def kubeconfig(site: Site, name: str, endpoint: Any, authority: Any) -> str | None:
    """Return a kubeconfig that asks ``aws eks get-token`` for a token each time; None while nothing is known."""
    if not isinstance(endpoint, str) or not isinstance(authority, str):
        return None
    region = site.aws.region
    ask = ["eks", "get-token", "--cluster-name", name, "--region", region, "--output", "json"]
    exec_ = {"apiVersion": "client.authentication.k8s.io/v1beta1", "command": "aws", "args": ask}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": _server(site, endpoint, authority)}],
        "users": [{"name": name, "user": {"exec": {**exec_, "interactiveMode": "Never"}}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }
    return str(yaml.safe_dump(document, sort_keys=True))


def _server(site: Site, endpoint: str, authority: str) -> dict[str, str]:
    """Where the API is: itself, or this end of the runner's tunnel, with the name that its certificate is for."""
    runner = site.aws.eks.runner
    trusted = {"certificate-authority-data": authority}
    if runner is None:
        return {"server": endpoint, **trusted}
    return {"server": f"https://127.0.0.1:{runner.port}", "tls-server-name": urlsplit(endpoint).netloc, **trusted}


def _reached(site: Site, cluster: Cluster, tunnel: pulumi.Output[str]) -> pulumi.Output[pulumi.Resource]:
    """Open the tunnel when its machine is there; a preview opens none."""

    async def reached(command: Any) -> pulumi.Resource:
        runner = site.aws.eks.runner
        if isinstance(command, str) and runner is not None and not pulumi.runtime.is_dry_run():
            held = await asyncio.to_thread(open_tunnel, command, runner.port)
            if held is not None:
                atexit.register(close_tunnel, held)
        made: pulumi.Resource = cluster.cluster
        return made

    return tunnel.apply(reached, run_with_unknowns=True)


def _written(cluster: pulumi.Resource, path: Path, text: str | None) -> pulumi.Resource:
    if text is not None and not pulumi.runtime.is_dry_run():
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_suffix(".new")
        new.write_text(text)
        os.chmod(new, 0o600)
        new.replace(path)
    return cluster
