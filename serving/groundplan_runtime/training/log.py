"""One MLflow run a training: parameters, metrics, tags and both halves of the pair. Registers nothing."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from groundplan_runtime import frames, pyfuncs
from groundplan_runtime.jobs.document import Job
from groundplan_runtime.training.fit import Fitted

#: What a version needs beside groundplan_runtime, which serving brings; named, so that MLflow does not try to find out.
REQUIREMENTS = ["mlflow", "pandas", "numpy", "xgboost"]


def log(job: Job, fitted: Fitted) -> dict[str, Any]:
    """Log the run and both halves; return the job's result: URIs, ids and metrics."""
    import mlflow

    mlflow.set_experiment(job.experiment or f"{job.project}/{job.name}")
    with mlflow.start_run(run_name=f"{job.name}-{job.digest}") as run, tempfile.TemporaryDirectory() as folder:
        mlflow.set_tags(
            {"project": job.project, "model": job.name, "digest": job.digest, "kind": job.properties["kind"]}
        )
        mlflow.log_params(_parameters(job.properties))
        mlflow.log_metrics(fitted.metrics)
        job.say("logs the preprocessor and the model")
        halves = _halves(job, fitted, Path(folder), run.info.run_id)
    return {**halves, "run_id": run.info.run_id, "metrics": fitted.metrics, "rows": int(fitted.metrics["rows_train"])}


def _parameters(declared: Mapping[str, Any]) -> dict[str, Any]:
    flat = {f"hyperparameters.{name}": value for name, value in declared["hyperparameters"].items()}
    for group in ("validation", "preprocessor"):
        flat |= {f"{group}.{name}": value for name, value in declared[group].items()}
    return flat | {name: declared.get(name) for name in ("feature_service", "baseline", "as_of")}


def _halves(job: Job, fitted: Fitted, folder: Path, run_id: str) -> dict[str, Any]:
    given = frames.normal(fitted.sample)
    matrix = fitted.preprocessor.transform(given)
    learned, model = folder / "preprocessor.json", folder / "model"
    learned.write_text(json.dumps(fitted.preprocessor.as_dict()))
    model.mkdir()
    (model / "kind").write_text(job.properties["kind"])
    fitted.model.save(model)
    predicted = fitted.model.predict(matrix).astype("float64")
    return {
        "preprocessor": _half(job, "preprocessor", pyfuncs.PREPROCESSOR, learned, (given, matrix), run_id),
        "model": _half(job, "model", pyfuncs.MODEL, model, (matrix, predicted), run_id),
    }


def _half(job: Job, half: str, code: Path, artifact: Path, sample: tuple[Any, Any], run_id: str) -> dict[str, str]:
    import mlflow

    logged = mlflow.pyfunc.log_model(
        name=f"{job.project}_{job.name}_{half}",
        python_model=str(code),
        artifacts={half: str(artifact)},
        signature=mlflow.models.infer_signature(*sample),
        input_example=sample[0],
        pip_requirements=REQUIREMENTS,
    )
    return {"model_uri": logged.model_uri, "model_id": logged.model_id, "run_id": run_id}
