"""What the gateway's configuration is made from: addresses, projects, the issuer; and the secrets, kept apart."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

#: Names by which the gateway is called; a request for another host is refused (DNS rebinding).
HOSTS = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True)
class Settings:
    """Known to the plan, without secrets. Addresses are ``host:port``.

    ``upstreams``: ``identity``, ``controlplane``, ``mlflow``, ``feast``, ``ray``, ``serve``. ``singles``:
    ``<project>/<application>`` → address, of applications that are a process of their own.
    ``personal``: projects that hold personal data → their applications that answer with what comes of it.
    ``jwks``: where the issuer's keys are fetched; empty until an issuer elsewhere, without ``identity`` among the
    upstreams, has told (:func:`groundplan.local.launch._gateway.keys_of`).
    """

    port: int
    projects: tuple[str, ...]
    upstreams: Mapping[str, str]
    issuer: str
    jwks: str
    audience: str = "groundplan"
    singles: Mapping[str, str] = field(default_factory=dict)
    personal: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: The address that the gateway listens at, and further names (with ports) by which it is called.
    bind: str = "127.0.0.1"
    hosts: tuple[str, ...] = ()

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Settings":
        """From :meth:`to_dict`. TypeError for a key that is missing or unknown."""
        personal = {project: tuple(names) for project, names in document.get("personal", {}).items()}
        lists = {name: tuple(document.get(name, ())) for name in ("projects", "hosts")}
        return cls(**{**document, **lists, "personal": personal})

    def to_dict(self) -> dict[str, Any]:
        """Return it as a JSON document."""
        return asdict(self)


@dataclass(frozen=True)
class Tokens:
    """What the gateway shows its upstreams: each service its own. ``controlplane`` takes it as a proof that
    a request came through the gateway, with whose token it bore."""

    controlplane: str
    mlflow: str
    feast: str
    ray: str
    serve: str

    @classmethod
    def of(cls, secret: Callable[[str], str]) -> "Tokens":
        """Return them as ``secret`` knows them by name. Errors: those of ``secret``."""
        return cls(*(secret(f"{each}-token") for each in ("gateway", "mlflow", "feast", "ray", "serving")))
