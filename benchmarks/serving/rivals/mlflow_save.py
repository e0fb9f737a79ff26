"""Writes (a) as an MLflow model: ``python mlflow_save.py FOLDER``."""

import sys
from pathlib import Path

import mlflow

HERE = Path(__file__).parent

mlflow.pyfunc.save_model(
    sys.argv[1],
    python_model=str(HERE / "mlflow_model.py"),
    code_paths=[str(HERE / "pair.py")],
    pip_requirements=["mlflow"],
)
