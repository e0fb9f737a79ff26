"""How a process finds the platform's other parts: one JSON document that ``GROUNDPLAN_RUNTIME`` names. Stdlib only."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from groundplan_runtime.errors import RuntimeProblem

VARIABLE = "GROUNDPLAN_RUNTIME"
REGION = "us-east-1"
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Runtime:
    """Endpoints, the bucket and where the secrets are, the same on every target. Holds no secret itself."""

    stack: str
    stack_id: str
    data_dir: Path
    bucket: str
    secrets_dir: Path
    endpoints: Mapping[str, str]
    #: ``<project>/<application>`` → address, of applications that are a process of their own.
    applications: Mapping[str, str] = field(default_factory=dict)
    #: The address that a service listens at: this machine only, unless it runs in a pod.
    bind: str = LOOPBACK
    region: str = REGION
    #: Whether database and online store take nobody without TLS: a cloud's own.
    tls: bool = False
    #: Workload → the role whose rights its run is given, where the object store knows roles.
    roles: Mapping[str, str] = field(default_factory=dict)
    #: The stack whose registry of pairs this one reads, and never writes; None: it has its own.
    registry: str | None = None

    @classmethod
    def load(cls, path: str | Path | None = None) -> "Runtime":
        """Read the document at ``path``, or the one the environment names.

        Raises:
            RuntimeProblem: the variable is not set, the file is missing, or a key is.
        """
        named = path or os.environ.get(VARIABLE)
        if not named:
            raise RuntimeProblem("is not set", path=VARIABLE, fix="run inside the platform, or name its runtime file")
        return cls._from(_read(Path(named)), str(named))

    @classmethod
    def _from(cls, document: dict[str, Any], path: str) -> "Runtime":
        wanted = ("stack", "stack_id", "data_dir", "bucket", "secrets_dir", "endpoints")
        missing = [key for key in wanted if key not in document]
        if missing:
            raise RuntimeProblem(f"has no {', '.join(missing)}", path=path, fix="`groundplan up` writes it again")
        more = {"applications": {}, "bind": LOOPBACK, "region": REGION, "tls": False, "roles": {}, "registry": None}
        values = {key: document[key] for key in wanted}
        values |= {key: document.get(key, default) for key, default in more.items()}
        return cls(**values | {"data_dir": Path(values["data_dir"]), "secrets_dir": Path(values["secrets_dir"])})

    def endpoint(self, name: str) -> str:
        """Return the address of one part, such as ``mlflow``; raises :class:`RuntimeProblem` for an unknown one."""
        if name not in self.endpoints:
            raise RuntimeProblem(
                "no such endpoint", path="endpoints", value=name, allowed=", ".join(sorted(self.endpoints))
            )
        return self.endpoints[name]

    def secret(self, name: str) -> str:
        """Return one secret's text, read now: it may have been rotated."""
        try:
            return self.secret_file(name).read_text().strip()
        except OSError as error:
            raise RuntimeProblem(
                "secret cannot be read", path=str(self.secret_file(name)), value=error.strerror
            ) from None

    def secret_file(self, name: str) -> Path:
        """Return the file that holds one secret; it need not exist."""
        return self.secrets_dir / name

    def environment(self) -> dict[str, str]:
        """Return the variables by which clients (AWS, libpq, MLflow, Ray) find their service and credentials."""
        found = {"AWS_REGION": self.region, "AWS_DEFAULT_REGION": self.region}
        if self.secret_file("aws-credentials").exists():  # none in a cloud, where the role is the credential
            found["AWS_SHARED_CREDENTIALS_FILE"] = str(self.secret_file("aws-credentials"))
            found["AWS_EC2_METADATA_DISABLED"] = "true"
        if "objects" in self.endpoints:
            found |= {
                "AWS_ENDPOINT_URL_S3": self.endpoints["objects"],
                "MLFLOW_S3_ENDPOINT_URL": self.endpoints["objects"],
            }
        if self.secret_file("pgpass").exists():
            found["PGPASSFILE"] = str(self.secret_file("pgpass"))
        if self.tls:
            found["PGSSLMODE"] = "require"
        if "mlflow" in self.endpoints:
            # Its client tells its makers of every call, in a thread that now and then fails the call.
            found |= {"MLFLOW_TRACKING_URI": self.endpoints["mlflow"], "MLFLOW_DISABLE_TELEMETRY": "true"}
        if self.secret_file("ray-token").exists():
            found |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(self.secret_file("ray-token"))}
        return found

    def apply_environment(self) -> None:
        """Set :meth:`environment` in this process, once, before the clients are imported.

        And MLflow's token, which its client reads from nowhere else: here, not in :meth:`environment`, so that no
        process is ever started with a secret among its variables by us.
        """
        os.environ.update(self.environment())
        if self.secret_file("mlflow-token").exists():  # a server that asks for none
            os.environ["MLFLOW_TRACKING_TOKEN"] = self.secret("mlflow-token")


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text())
    except OSError as error:
        raise RuntimeProblem("runtime file cannot be read", path=str(path), value=error.strerror) from None
    except ValueError as error:
        raise RuntimeProblem("runtime file is not JSON", path=str(path), value=error) from None
    if not isinstance(document, dict):
        raise RuntimeProblem("runtime file is not an object", path=str(path))
    return document
