"""Runs the control plane: ``python -m groundplan.controlplane``, with GROUNDPLAN_RUNTIME naming the platform."""

import importlib
import logging
import os
import sys

import structlog
import uvicorn

from groundplan.controlplane.app import make_app
from groundplan.controlplane.context import Platform
from groundplan_runtime.config import Runtime
from groundplan_runtime.errors import RuntimeProblem

#: MLflow's client waits for minutes unless told: a look at what is there must be answered, or refused, sooner.
PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3", "MLFLOW_HTTP_REQUEST_TIMEOUT": "30"}
#: What requests need and takes seconds to import. One thread does so before any of them comes: of two that begin at
#: once, one finds modules that are half made, and then nobody can use them any more.
LIBRARIES = ("feast", "feast.infra.registry.sql", "mlflow", "mlflow.artifacts", "botocore.config")


def main() -> int:
    """Serve on the declared endpoint until told to stop. Returns 1, with one line, when it is not configured."""
    try:
        runtime = Runtime.load()
    except RuntimeProblem as problem:
        print(f"error: {problem}", file=sys.stderr)  # noqa: T201
        return 1
    runtime.apply_environment()
    os.environ.update({key: os.environ.get(key, value) for key, value in PATIENCE.items()})
    _log_as_json()
    for library in LIBRARIES:
        importlib.import_module(library)
    port = runtime.endpoint("controlplane").rsplit(":", 1)[1]
    app = make_app(Platform.of(runtime))
    uvicorn.run(app, host=runtime.bind, port=int(port), log_level="warning", timeout_graceful_shutdown=5)
    return 0


def _log_as_json() -> None:
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )


if __name__ == "__main__":
    sys.exit(main())
