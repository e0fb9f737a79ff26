"""MLflow's server and registry: its rows in PostgreSQL, its artifacts in the object store through its own proxy."""

import os
import sys
from pathlib import Path

from groundplan.local.launch._site import become, folder, site, write_private

APP = "groundplan"
#: Further names with their ports, separated by commas: in a cluster it has more than this machine's.
HOSTS = "GROUNDPLAN_HOSTS"


def main() -> None:
    """Start it; argument: ``mlflow=<port>``. libpq reads a password from PGPASSFILE, boto3 its keys."""
    here = site()
    runtime, port = here.runtime, here.ports["mlflow"]
    environment = {
        **runtime.environment(),
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "PYTHONPATH": os.pathsep.join([os.environ["PYTHONPATH"], str(_entry_point(here.data_dir))]),
    }
    environment.pop("MLFLOW_TRACKING_URI", None)
    command: list[str | Path] = [
        sys.executable, "-m", "mlflow", "server", "--host", here.bind, "--port", str(port), "--workers", "1",
        "--backend-store-uri", f"postgresql+psycopg2://mlflow@{runtime.endpoint('database')}/mlflow",
        "--artifacts-destination", f"s3://{runtime.bucket}/mlflow", "--serve-artifacts",
        "--allowed-hosts", _hosts(port), "--app-name", APP, "--cors-allowed-origins", runtime.endpoint("gateway"),
    ]  # fmt: skip
    become(command, environment)


def _hosts(port: int) -> str:
    """By which names it is called; a request for another is refused (DNS rebinding)."""
    return ",".join([f"127.0.0.1:{port}", f"localhost:{port}", *filter(None, [os.environ.get(HOSTS)])])


def _entry_point(data: Path) -> Path:
    """Name our application to MLflow, which finds applications by what is installed; ours runs from a folder."""
    plugin = folder(folder(data / "mlflow") / "plugin")
    installed = folder(plugin / f"{APP}_tracking-1.dist-info")
    write_private(installed / "METADATA", f"Metadata-Version: 2.1\nName: {APP}-tracking\nVersion: 1\n")
    write_private(installed / "entry_points.txt", f"[mlflow.app]\n{APP} = groundplan_runtime.tracking_app:make\n")
    return plugin


if __name__ == "__main__":
    main()
