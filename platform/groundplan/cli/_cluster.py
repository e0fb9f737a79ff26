"""Whether a cluster that somebody else made can be reached: asked once, before the engine asks for every object."""

import os
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from groundplan.cli._checkout import Checkout
from groundplan.cli._console import say
from groundplan.cli._settings import is_deployed
from groundplan.errors import GroundplanError, ServiceError, suggest
from groundplan.spec import StackSpec

#: Seconds until a cluster is taken for one that does not answer.
PATIENCE = 5.0
PROXIES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


def require_cluster(checkout: Checkout, stack: StackSpec, preview: bool = False) -> None:
    """Raise GroundplanError, in one line, where the stack's cluster can't be reached.

    A preview needs none before the first `up`: it only says that `up` would stop here.
    """
    if stack.target != "kubernetes":
        return
    try:
        _require(stack, checkout.root)
    except GroundplanError as error:
        if not preview or is_deployed(checkout):
            raise
        say(f"warning: `up` would stop here: {error}")


def _require(stack: StackSpec, root: Path) -> None:
    path = (root / Path(stack.kubernetes.kubeconfig).expanduser()).resolve()
    context = str(stack.kubernetes.context)
    document = _read(path, stack.name)
    contexts = _named(document, "contexts", "context")
    if context not in contexts:
        fix = suggest(context, contexts) or "kubernetes.context; kubectl config get-contexts lists them"
        what = f"stacks/{stack.name}.yaml: kubernetes.context: is not in {path}; got {context}"
        raise GroundplanError(f"{what}; allowed: {', '.join(sorted(contexts)) or 'none is there'}; fix: {fix}")
    cluster = _named(document, "clusters", "cluster").get(str(contexts[context].get("cluster")), {})
    server = str(cluster.get("server", ""))
    if not server:
        raise GroundplanError(f"{path}: context {context} names no cluster with a server; fix: write it again")
    # By way of a proxy the plugin finds out itself.
    if not cluster.get("proxy-url") and not any(os.environ.get(name) for name in PROXIES):
        _knock(server, context)


def _read(path: Path, stack: str) -> dict[str, Any]:
    key = f"stacks/{stack}.yaml: kubernetes.kubeconfig"
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        why = "is not there" if isinstance(error, FileNotFoundError) else f"can't be read ({error.strerror})"
        raise GroundplanError(f"{key}: {path} {why}; fix: have the cluster's owner write it, or another path") from None
    except (yaml.YAMLError, UnicodeDecodeError):
        found = None
    if not isinstance(found, dict):
        raise GroundplanError(f"{key}: {path} is no kubeconfig; fix: write it again, or name another path")
    return found


def _named(document: dict[str, Any], section: str, key: str) -> dict[str, dict[str, Any]]:
    """A kubeconfig's list of named things, as a mapping."""
    found = document.get(section)
    entries = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    return {str(each.get("name")): each[key] for each in entries if isinstance(each.get(key), dict)}


def _knock(server: str, context: str) -> None:
    try:
        parts = urlsplit(server)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        socket.create_connection((str(parts.hostname), port), timeout=PATIENCE).close()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        fix = "start it, or the way to it (VPN, tunnel), or name another kubernetes.context"
        what = f"the cluster of context {context} does not answer at {server}"
        raise ServiceError(f"{what} ({why}); fix: {fix}") from None
