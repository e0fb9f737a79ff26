"""Where the gateway's files lie, how they are replaced, and how Envoy is asked over its own socket."""

import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx

from groundplan.errors import ServiceError
from groundplan.gateway import Settings, Tokens, documents
from groundplan.gateway.authority import ensure
from groundplan.gateway.documents import certificate, nothing, version
from groundplan.local.folder import private, short_folder
from groundplan.local.launch._site import folder, write_private
from groundplan_runtime.config import Runtime

#: How long Envoy may take to read its files again, in seconds.
TAKEN = 15.0
#: File → Envoy's figure that tells which version of it it works by.
VERSIONS = {
    "clusters.json": "cluster_manager.cds.version_text",
    "routes.json": "http.gateway.rds.gateway.version_text",
    "listeners.json": "listener_manager.lds.version_text",
}


@dataclass(frozen=True)
class Files:
    """The gateway's folder: ``xds`` (watched by Envoy), ``tls``; its socket lies where paths are short."""

    runtime: Runtime

    @property
    def xds(self) -> Path:
        """The folder of the configuration; holds secrets."""
        return folder(self.runtime.data_dir / "gateway" / "xds")

    @property
    def tls(self) -> Path:
        """The folder of authority and certificate."""
        return folder(self.runtime.data_dir / "gateway" / "tls")

    @property
    def socket(self) -> Path:
        """Envoy's administration socket, which only this user can reach."""
        return private(short_folder(self.runtime.stack_id)) / "gateway.sock"

    def prepare(self) -> None:
        """Write what Envoy needs to start: a certificate that holds, and empty files where nothing is declared yet."""
        self._replace("certificate.json", certificate(*self._pair()))
        for name in VERSIONS:
            if not (self.xds / name).exists():
                self._replace(name, nothing())

    def declare(self, settings: Settings) -> str | None:
        """Have the running gateway work by these settings; return what it has against them, else ``None``.

        Services first, then what leads to them: a route is never asked for a service that is not known yet.
        """
        texts = documents(settings, Tokens.of(self.runtime.secret), str(self.xds), *self._pair())
        for step in (("certificate.json", "clusters.json"), ("routes.json", "listeners.json")):
            for name in step:
                self._replace(name, texts[name])
            untaken = [name for name in step if name in VERSIONS and not self._taken(name, texts[name])]
            if untaken:
                return self._refused() or f"it does not take {self.xds / untaken[0]}"
        return None

    def _taken(self, name: str, text: str) -> bool:
        figure, wanted = VERSIONS[name], version(text)
        end = time.monotonic() + TAKEN
        while time.monotonic() < end:
            stats = self.ask("/stats?usedonly&filter=version_text|warming")
            lines = dict(line.split(": ", 1) for line in stats.splitlines() if ": " in line)
            if lines.get(figure) == f'"{wanted}"' and lines.get("cluster_manager.warming_clusters", "0") == "0":
                return True
            time.sleep(0.05)
        return False

    def _refused(self) -> str | None:
        """Return what Envoy says of the last document that it did not take."""
        rows = [
            row
            for config in self.ask("/config_dump")["configs"]
            for kind in ("dynamic_listeners", "dynamic_route_configs", "dynamic_warming_clusters")
            for row in config.get(kind, [])
        ]
        return next((str(row["error_state"]["details"]) for row in rows if "error_state" in row), None)

    def ask(self, path: str) -> Any:
        """Return Envoy's answer from its administration, as JSON or text. httpx.HTTPError when there is none."""
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(self.socket)), timeout=8) as client:
            answer = client.get(f"http://envoy{path}").raise_for_status()
        return answer.json() if "json" in answer.headers.get("content-type", "") else answer.text

    def _pair(self) -> tuple[str, str]:
        return ensure(self.tls, self.runtime.stack, write_private)

    def _replace(self, name: str, text: str) -> None:
        file = self.xds / name
        if not file.exists() or file.read_text() != text:
            write_private(file, text)


def settings_of(text: str) -> Settings:
    """Return the settings from their JSON text, with where the issuer's keys are."""
    settings = Settings.of(json.loads(text))
    return settings if settings.jwks else replace(settings, jwks=keys_of(settings.issuer))


def keys_of(issuer: str) -> str:
    """Return where an issuer's keys are, by its own word (OpenID Connect Discovery). ServiceError when it has none."""
    url = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    try:
        found = httpx.get(url, timeout=10).raise_for_status().json()
    except (httpx.HTTPError, ValueError) as error:
        raise ServiceError(f"the issuer {issuer} does not say who it is at {url} ({error})") from None
    if found.get("issuer") != issuer or not str(found.get("jwks_uri", "")).startswith("https://"):
        raise ServiceError(f"{url} is not of {issuer}: it names {found.get('issuer')!r} and {found.get('jwks_uri')!r}")
    return str(found["jwks_uri"])
