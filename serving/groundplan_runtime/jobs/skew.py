"""Whether what was served is what training would have seen: newest rows of the prediction log, computed again offline.

Each view's features are looked up in the view's Parquet at exactly the logged event timestamp, each prediction is made
again from the logged features by the logged pair version. Honest rows differ in nothing, not even in the last bit.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from groundplan_runtime import frames, pairs, pointintime, prediction_files, storage
from groundplan_runtime.block import Block
from groundplan_runtime.config import Runtime
from groundplan_runtime.errors import RuntimeProblem
from groundplan_runtime.feast_repo import instant
from groundplan_runtime.jobs.document import Job

#: Differences that the result shows whole: of each feature, and in all.
EACH, EXAMPLES = 3, 20
TEXT = "string"
EVENT = "event_timestamp"


def properties(
    application: str,
    features: Mapping[int, Mapping[str, Any]],
    views: Mapping[str, Mapping[str, Any]],
    versions: Mapping[int, Mapping[str, str]],
    sample: int = 1000,
) -> dict[str, Any]:
    """Return a skew job's properties, as the control plane fills them in.

    ``features`` are FEATURES by pair version, ``versions`` ``{"preprocessor": uri, "model": uri}`` by pair version;
    ``views`` are ``{"uri", "timestamp"}`` of each view's rows and, where it is known, ``"since"`` (ISO 8601): from when
    on the online store was filled from them. Rows that were answered before are counted as older.
    """
    return {
        "application": application,
        "sample": sample,
        "features": {str(n): dict(each) for n, each in features.items()},
        "views": {view: dict(each) for view, each in views.items()},
        "versions": {str(n): dict(each) for n, each in versions.items()},
    }


@dataclass
class Found:
    """What a check found. ``older`` are rows of which a view's row is not in its Parquet any more."""

    rows: int = 0
    compared: int = 0
    features: dict[str, int] = field(default_factory=dict)
    predictions: int = 0
    older: int = 0
    examples: list[dict[str, Any]] = field(default_factory=list)

    def result(self) -> dict[str, Any]:
        """Return the job's result."""
        return {
            "rows": self.rows,
            "compared": self.compared,
            "feature_differences": dict(sorted(self.features.items())),
            "prediction_differences": self.predictions,
            "older_features": self.older,
            "examples": self.examples,
        }


def run(job: Job, runtime: Runtime) -> dict[str, Any]:
    """Compare. RuntimeProblem when the properties are not those of :func:`properties`."""
    given = _checked(job.properties)
    uri = prediction_files.folder(runtime.bucket, job.project, given["application"])
    rows = prediction_files.newest(uri, given["sample"])
    found = Found()
    if rows is None:
        job.say(f"{given['application']}: nothing is logged yet")
        return found.result()
    found.rows = rows.num_rows
    tables = {view: _rows(given, view) for view in sorted(_views(given))}
    for version, part in _by_version(rows):
        if version not in given["versions"] or version not in given["features"]:
            job.say(f"{part.num_rows:,} rows of version {version}, which is not served any more: left out")
            continue
        job.say(f"{part.num_rows:,} rows of version {version}")
        found.compared += part.num_rows
        _compare_features(given, version, part, tables, found)
        _compare_predictions(given, version, part, found)
    return found.result()


def _checked(given: Mapping[str, Any]) -> dict[str, Any]:
    missing = [name for name in ("application", "features", "views", "versions") if name not in given]
    missing += [
        f"views.{view}" for view in sorted(_views({"features": {}, **given})) if view not in given.get("views", {})
    ]
    if missing:
        raise RuntimeProblem("is missing", path="properties", value=", ".join(missing))
    sample = given.get("sample", 1000)
    if not isinstance(sample, int) or sample < 1:
        raise RuntimeProblem("is no number of rows", path="sample", value=sample, allowed="an integer from 1 on")
    return {**given, "sample": sample}


def _views(given: Mapping[str, Any]) -> set[str]:
    return {view for features in given["features"].values() for view in features["views"]}


def _rows(given: Mapping[str, Any], view: str) -> Any:
    """Return a view's rows: keys, timestamp, and every field that a version asks for."""
    where = given["views"][view]
    asked = [features["views"][view] for features in given["features"].values() if view in features["views"]]
    columns = {name: None for each in asked for name in (*each["join_keys"], *each["fields"])}
    return storage.read_table(where["uri"], [*columns, where["timestamp"]])


def _by_version(rows: Any) -> Iterator[tuple[str, Any]]:
    import pyarrow.compute as pc

    for version in sorted(pc.unique(rows["version"]).to_pylist()):
        yield str(version), rows.filter(pc.equal(rows["version"], version))


def _compare_features(given: Mapping[str, Any], version: str, part: Any, tables: Any, found: Found) -> None:
    import numpy as np

    older = np.zeros(part.num_rows, dtype=bool)
    for view, asked in given["features"][version]["views"].items():
        where = given["views"][view]
        logged = part.select([*asked["join_keys"], f"{view}__{EVENT}"])
        offline = pointintime.exactly(
            logged, tables[view], list(asked["join_keys"]), where["timestamp"], f"{view}__{EVENT}"
        )
        gone = _gone(part, view, offline[where["timestamp"]], where.get("since"))
        older |= gone
        for name, kind in asked["fields"].items():
            feature = f"{view}__{name}"
            pair = _texts(part[feature], offline[name]) if kind == TEXT else _numbers(part[feature], offline, name)
            different = _different(*pair) & ~gone
            if different.any():
                found.features[feature] = found.features.get(feature, 0) + int(different.sum())
                _show(found, part, different, feature, *pair)
    found.older += int(older.sum())


def _gone(part: Any, view: str, known: Any, since: str | None) -> Any:
    """Return which rows were made of a view's row that is not in its Parquet: it was replaced since."""
    import numpy as np

    answered = np.array(part[f"{view}__{EVENT}"].is_valid())
    gone = answered & ~np.array(known.is_valid())
    if since is None:
        return gone
    before = np.array([at < instant(since) for at in part["at"].to_pylist()], dtype=bool)
    return gone | before


def _texts(logged: Any, offline: Any) -> tuple[Any, Any]:
    import numpy as np

    return tuple(np.array([*column.to_pylist(), None], dtype=object)[:-1] for column in (logged, offline))


def _numbers(logged: Any, offline: Any, name: str) -> tuple[Any, Any]:
    """Return both as float64: the logged ones are, the others by the function that training's went through."""
    normal = frames.normal(offline.select([name]).to_pandas())
    return _floats(logged), normal[name].to_numpy(dtype="float64")


def _floats(column: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.cast(column, pa.float64(), safe=False).to_numpy()


def _different(first: Any, second: Any) -> Any:
    """Return where two columns differ; two that are missing (NaN, None) do not."""
    missing = (first != first) & (second != second)
    return (first != second) & ~missing


def _compare_predictions(given: Mapping[str, Any], version: str, part: Any, found: Found) -> None:
    uris = given["versions"][version]
    preprocessor, model = pairs.load_preprocessor(uris["preprocessor"]), pairs.load_model(uris["model"])
    again = model.predict(preprocessor.transform(block_of(part, given["features"][version])))
    logged = _floats(part["value"])
    different = _different(logged, again)
    found.predictions += int(different.sum())
    _show(found, part, different, "prediction", logged, again)


def block_of(part: Any, features: Mapping[str, Any]) -> Block:
    """Return the logged features of rows of one version as the block that they were served as."""
    import numpy as np

    kinds = {entity["join_key"]: entity["type"] for entity in features["entities"].values()}
    for view, asked in features["views"].items():
        kinds |= {f"{view}__{name}": kind for name, kind in asked["fields"].items()}
    names = tuple(name for name, kind in kinds.items() if kind != TEXT)
    numbers = np.empty((part.num_rows, len(names)))
    for position, name in enumerate(names):
        numbers[:, position] = _floats(part[name])
    return Block(part.num_rows, names, numbers, {n: part[n].to_pylist() for n, kind in kinds.items() if kind == TEXT})


def _show(found: Found, part: Any, different: Any, what: str, logged: Any, again: Any) -> None:
    for row in different.nonzero()[0][: min(EACH, EXAMPLES - len(found.examples))].tolist():
        about = {name: part[name][row].as_py() for name in ("request_id", "row", "alias", "version")}
        at = part["at"][row].as_py().isoformat().replace("+00:00", "Z")
        values = {"logged": _plain(logged[row]), "computed": _plain(again[row])}
        found.examples.append({**about, "at": at, "what": what, **values})


def _plain(value: Any) -> str | float | None:
    """Return a value as JSON can hold it."""
    if value is None or value != value:
        return None
    return value if isinstance(value, str) else float(value)
