"""MLflow's server behind the gateway: it answers what shows its own token, as an app of MLflow's (``--app-name``)."""

from groundplan_runtime.config import Runtime
from groundplan_runtime.guard import Guard

#: What a stack that shares the registry may ask, by GET: which pairs there are, what they were made of, their files.
MODELS = "registered-models/get|model-versions/(get|search|get-download-uri)|logged-models/[^/]+"
PAIRS = rf"/api/2\.0/mlflow/({MODELS}|runs/get)"
FILES = r"/api/2\.0/mlflow-artifacts/artifacts(/.*)?"


def make() -> Guard:
    """Return the application: a factory, which MLflow finds by its entry point ``mlflow.app``."""
    from mlflow.server.fastapi_app import app

    return Guard(app, Runtime.load(), "mlflow-token", "/mlflow/", "mlflow-reader-token", f"{PAIRS}|{FILES}")
