"""Trains one model: examples → features as they were known → folds, pair, metrics → one MLflow run."""

from pathlib import Path
from typing import Any

from groundplan_runtime import project_code, sql, storage
from groundplan_runtime.config import Runtime
from groundplan_runtime.errors import RuntimeProblem
from groundplan_runtime.feast_repo import instant
from groundplan_runtime.features import Features
from groundplan_runtime.jobs import evaluate
from groundplan_runtime.jobs.document import Job
from groundplan_runtime.jobs.features import checked
from groundplan_runtime.training import log
from groundplan_runtime.training.fit import Fitted, Task, fit
from groundplan_runtime.training.kinds import kind


def run(job: Job, _: Runtime) -> dict[str, Any]:
    """Train, measure and log; registers nothing. RuntimeProblem for a user's mistake."""
    name = job.feature_service or job.properties["feature_service"]
    features = Features(job.project, name)
    views = _views(job, features.views())
    keys = {key: type_ for view in views.values() for key, type_ in view["keys"].items()}
    with project_code.unpacked(job.code_uri) as root:
        examples = _examples(job, root, keys)
        job.say(f"{len(examples):,} examples; looks up their features in {', '.join(views)}")
        columns = [f"{view}__{field}" for view, found in views.items() for field in found["fields"]]
        fitted = _fit(job, root, columns, features.history(examples))
        if job.output_uri:
            evaluate.keep(job.output_uri, fitted.held[list(keys)], fitted.held, job.properties["examples"])
        return log.log(job, fitted)


def _views(job: Job, registered: dict[str, Any]) -> dict[str, Any]:
    """Return the service's views; RuntimeProblem when their rows are not those that are declared."""
    for view, found in registered.items():
        declared = job.views.get(view, {}).get("uri")
        if declared and declared != found["uri"]:
            fix = "run `groundplan up` again: the view changed while this was being trained"
            raise RuntimeProblem(
                "is not as declared in Feast",
                path=f"feature_views.{view}",
                value=found["uri"],
                allowed=declared,
                fix=fix,
            )
    return registered


def _examples(job: Job, root: Path, keys: dict[str, str]) -> Any:
    given = job.properties["examples"]
    inputs = {name: storage.read_table(found["uri"]) for name, found in job.inputs.items()}
    text = project_code.text(root, given["sql"])
    table = sql.run(text, inputs, given["sql"], threads=job.threads, memory_mb=job.memory_mb)
    path = f"training.{job.name}.examples"
    table = checked(table, keys, given["timestamp"], {given["target"]: "float64"}, path)
    if table[given["target"]].null_count:
        raise RuntimeProblem(
            "is null in some rows", path=f"{path}.{given['target']}", fix="leave them out (WHERE … IS NOT NULL)"
        )
    return table.to_pandas()


def _fit(job: Job, root: Path, columns: list[str], rows: Any) -> Fitted:
    given, word = job.properties["examples"], job.properties["kind"]
    made = kind(word)
    task = Task(
        declared=job.properties,
        features=columns,
        timestamp=given["timestamp"],
        target=given["target"],
        as_of=instant(job.properties["as_of"]),
        threads=job.threads,
        make=(lambda: made(root, job.properties.get("python"))) if word == "python" else made,
    )
    return fit(task, rows, job.say)
