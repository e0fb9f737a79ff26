"""Kubeconfig files: read by the test provider and tests, written by the test ground. No exec plugins, no proxies."""

import base64
import ssl
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from groundplan.errors import GroundplanError


@dataclass(frozen=True)
class Access:
    """How to reach one cluster: its address, the TLS context with our certificate, or a bearer token."""

    server: str
    tls: ssl.SSLContext
    token: str | None = None


def access(given: str, context: str | None = None) -> Access:
    """Read a kubeconfig, given as its text or its path, as pulumi-kubernetes takes it.

    Raises GroundplanError in one line when it is missing, no kubeconfig, or lacks the context.
    """
    document, where = _document(given)
    named = context or document.get("current-context") or ""
    chosen = _named(document, "contexts", named, where)["context"]
    cluster = _named(document, "clusters", chosen["cluster"], where)["cluster"]
    user = _named(document, "users", chosen["user"], where)["user"]
    return Access(cluster["server"], _tls(cluster, user), user.get("token"))


def kubeconfig(server: str, authority: bytes, certificate: bytes, key: bytes) -> dict[str, Any]:
    """Return a kubeconfig with one context ``test`` that logs in by certificate. All of it is PEM."""
    text = {k: base64.b64encode(v).decode() for k, v in {"ca": authority, "crt": certificate, "key": key}.items()}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": {"server": server, "certificate-authority-data": text["ca"]}}],
        "users": [
            {"name": "test", "user": {"client-certificate-data": text["crt"], "client-key-data": text["key"]}},
        ],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        "current-context": "test",
    }


def _document(given: str) -> tuple[Mapping[str, Any], str]:
    # A path has no line breaks and no braces; a kubeconfig in YAML or JSON has one or the other.
    inline = "\n" in given or given.lstrip().startswith("{")
    where = "kubeconfig" if inline else given
    try:
        text = given if inline else Path(given).expanduser().read_text()
        document = yaml.safe_load(text)
    except (OSError, yaml.YAMLError) as error:
        reason = getattr(error, "strerror", None) or "not YAML"
        raise GroundplanError(f"{where}: cannot be read as a kubeconfig ({reason})") from error
    if not isinstance(document, Mapping) or document.get("kind") != "Config":
        raise GroundplanError(f"{where}: not a kubeconfig (kind: Config is missing)")
    return document, where


def _named(document: Mapping[str, Any], section: str, name: str, where: str) -> Mapping[str, Any]:
    entries = {each["name"]: each for each in document.get(section) or ()}
    if name not in entries:
        raise GroundplanError(f"{where}: {section}: got {name!r}; allowed: {', '.join(entries) or 'none'}")
    return dict(entries[name])


def _tls(cluster: Mapping[str, Any], user: Mapping[str, Any]) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=_pem(cluster, "certificate-authority").decode() or None)
    certificate, key = _pem(user, "client-certificate"), _pem(user, "client-key")
    if certificate:
        # The standard library takes a certificate only from a file.
        with tempfile.NamedTemporaryFile() as file:
            file.write(certificate + b"\n" + key)
            file.flush()
            context.load_cert_chain(file.name)
    return context


def _pem(section: Mapping[str, Any], key: str) -> bytes:
    if f"{key}-data" in section:
        return base64.b64decode(section[f"{key}-data"])
    return Path(section[key]).read_bytes() if key in section else b""
