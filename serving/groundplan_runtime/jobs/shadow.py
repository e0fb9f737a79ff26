"""What shadows would have answered, beside what was answered: the same requests, row by row, from the log."""

from typing import Any

from groundplan_runtime import prediction_files
from groundplan_runtime.config import Runtime
from groundplan_runtime.errors import RuntimeProblem
from groundplan_runtime.jobs.document import Job

KEYS = ["request_id", "row"]


def run(job: Job, runtime: Runtime) -> dict[str, Any]:
    """Compare the newest logged rows. Properties: ``{"application", "sample": rows, "tolerance"}`` (target's unit).

    The result is ``{"rows", "shadows": [see :func:`compare`]}``. RuntimeProblem when the properties are not those.
    """
    given = job.properties
    if "application" not in given:
        raise RuntimeProblem("is missing", path="properties", value="application")
    uri = prediction_files.folder(runtime.bucket, job.project, given["application"])
    rows = prediction_files.newest(uri, int(given.get("sample", 10_000)))
    if rows is None:
        job.say(f"{given['application']}: nothing is logged yet")
        return {"rows": 0, "shadows": []}
    return {"rows": rows.num_rows, "shadows": compare(rows, float(given.get("tolerance", 0)))}


def compare(rows: Any, tolerance: float) -> list[dict[str, Any]]:
    """Return, for each shadow's version beside each version that answered, how their values differ.

    ``rows`` is the log as an Arrow table. Keys: ``alias``, ``version`` of the shadow, ``answered_by`` (version),
    ``rows`` that both answered, ``mean_difference`` (shadow minus answer), ``mean_absolute`` and ``largest`` one,
    all in the target's unit, and ``beyond``: the share of rows that differ by more than ``tolerance``.
    """
    frame = rows.select([*KEYS, "role", "alias", "version", "value"]).to_pandas()
    answers, shadows = frame[frame["role"] == "answer"], frame[frame["role"] == "shadow"]
    both = shadows.merge(answers, on=KEYS, suffixes=("", "_answered"))
    both["difference"] = both["value"] - both["value_answered"]
    found = []
    for (alias, version, answered_by), part in both.groupby(["alias", "version", "version_answered"]):
        absolute = part["difference"].abs()
        found.append(
            {
                "alias": str(alias),
                "version": int(version),
                "answered_by": int(answered_by),
                "rows": len(part),
                "mean_difference": float(part["difference"].mean()),
                "mean_absolute": float(absolute.mean()),
                "largest": float(absolute.max()),
                "beyond": float((absolute > tolerance).mean()),
            }
        )
    return found
