"""MLflow's server behind the gateway: it answers what shows its own token, as an app of MLflow's (``--app-name``)."""

from groundplan_runtime.config import Runtime
from groundplan_runtime.guard import Guard


def make() -> Guard:
    """Return the application: a factory, which MLflow finds by its entry point ``mlflow.app``."""
    from mlflow.server.fastapi_app import app

    return Guard(app, Runtime.load(), "mlflow-token", "/mlflow/")
