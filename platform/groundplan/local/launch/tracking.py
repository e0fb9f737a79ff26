"""MLflow's server and registry: its rows in PostgreSQL, its artifacts in the object store through its own proxy."""

import sys
from pathlib import Path

from groundplan.local.launch._site import become, site


def main() -> None:
    """Start it; argument: ``mlflow=<port>``. libpq reads the password from PGPASSFILE, boto3 its keys."""
    here = site()
    runtime, port = here.runtime, here.ports["mlflow"]
    environment = {
        **runtime.environment(),
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    environment.pop("MLFLOW_TRACKING_URI", None)
    command: list[str | Path] = [
        sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
        "--backend-store-uri", f"postgresql+psycopg2://mlflow@{runtime.endpoint('database')}/mlflow",
        "--artifacts-destination", f"s3://{runtime.bucket}/mlflow", "--serve-artifacts",
        "--allowed-hosts", f"127.0.0.1:{port},localhost:{port}",
    ]  # fmt: skip
    become(command, environment)


if __name__ == "__main__":
    main()
