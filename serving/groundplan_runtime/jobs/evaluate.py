"""What gates ask of pairs: two of them on the same hold-out examples, and answers to sample requests.

Every pair is measured with its own features, joined as they were known at each example's time, by the join that
training uses; it answers from the online features by the code that serving runs.
"""

import asyncio
import math
import struct
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from groundplan_runtime import frames, pairs, pointintime, storage
from groundplan_runtime.block import Block
from groundplan_runtime.config import Runtime
from groundplan_runtime.errors import RuntimeProblem
from groundplan_runtime.feast_repo import duration
from groundplan_runtime.jobs.document import Job
from groundplan_runtime.online import OnlineReader
from groundplan_runtime.training.fit import errors

#: The columns of kept hold-out examples, beside the join keys. No join key begins with an underscore twice.
TIMESTAMP, TARGET = "__timestamp", "__target"


def keep(uri: str, keys: Any, rows: Any, given: Mapping[str, Any]) -> None:
    """Write hold-out examples (join keys, time and target of each row) where a later evaluation reads them."""
    import pyarrow as pa

    held = keys.assign(**{TIMESTAMP: rows[given["timestamp"]], TARGET: rows[given["target"]].astype("float64")})
    storage.write_table(uri, pa.Table.from_pandas(held, preserve_index=False))


def run(job: Job, runtime: Runtime) -> dict[str, Any]:
    """Measure ``pairs`` on the examples ``inputs.holdout``, and let the candidate answer ``requests``.

    Returns ``{"scores": {pair: metrics} or None, "answers": [[number or None, …] or why there are none]}``.
    """
    loaded = {name: _Pair(given) for name, given in job.pairs.items()}
    scores = None
    if "holdout" in job.inputs:
        examples = storage.read_table(job.inputs["holdout"]["uri"])
        scores = {name: pair.score(examples) for name, pair in loaded.items()}
        told = ", ".join(f"{name} MAE {found['mae'] or math.nan:.3f}" for name, found in scores.items())
        job.say(f"{examples.num_rows:,} hold-out examples: {told}")
    answers = asyncio.run(_answers(runtime, job, loaded["candidate"])) if job.requests else []
    return {"scores": scores, "answers": answers}


class _Pair:
    """Both halves of a pair version, its features, and where their rows lie."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.features, self._rows = given["features"], given["views"]
        self._preprocessor = pairs.load_preprocessor(given["preprocessor"])
        self._model = pairs.load_model(given["model"])

    def score(self, examples: Any) -> dict[str, float | None]:
        """Return the metrics of its forecasts for the examples (Arrow: keys, time, target); None for no finite one."""
        known = pointintime.join(examples, TIMESTAMP, [self._view(name) for name in self.features["views"]])
        rows = known.to_pandas()
        block = block_of(frames.normal(rows.drop(columns=[TIMESTAMP, TARGET])), self._texts())
        found = errors(self.predict(block), rows[TARGET])
        return {name: value if math.isfinite(value) else None for name, value in found.items()}

    def predict(self, block: Block) -> Any:
        """Return a forecast a row: float64, shape (rows,)."""
        return self._model.predict(self._preprocessor.transform(block))

    def _texts(self) -> set[str]:
        views = self.features["views"]
        fields = {f"{view}__{name}": kind for view, given in views.items() for name, kind in given["fields"].items()}
        keys = {entity["join_key"]: entity["type"] for entity in self.features["entities"].values()}
        return {name for name, kind in (fields | keys).items() if kind == "string"}

    def _view(self, name: str) -> pointintime.View:
        given, rows = self.features["views"][name], self._rows[name]
        keys, fields = {key: key for key in given["join_keys"]}, list(given["fields"])
        table = storage.read_table(rows["uri"], [*keys, rows["timestamp"], *fields])
        ttl = duration(rows["ttl"]).total_seconds()
        return pointintime.View(
            name, table, keys, rows["timestamp"], ttl, {field: f"{name}__{field}" for field in fields}
        )


def block_of(frame: Any, texts: Collection[str]) -> Block:
    """Return a frame in the normal form as a block; ``texts`` names its columns of text."""
    import pandas as pd

    numbers = [name for name in frame.columns if name not in texts]
    values = frame[numbers].to_numpy(dtype="float64")
    told = {name: [None if pd.isna(v) else str(v) for v in frame[name]] for name in frame.columns if name in texts}
    return Block(len(frame), tuple(numbers), values, told)


async def _answers(runtime: Runtime, job: Job, pair: _Pair) -> list[Any]:
    reader = OnlineReader(runtime, job.project)
    try:
        return [await _answer(reader, pair, request) for request in job.requests]
    finally:
        await reader.close()


async def _answer(reader: OnlineReader, pair: _Pair, request: Sequence[Mapping[str, Any]]) -> list[float | None] | str:
    """Return a number a row, None for one that is not finite; what is wrong with the request or the pair is a text.

    A store that does not answer is nobody's answer: it fails the job, which may be run again.
    """
    try:
        block = await reader.read(pair.features, request)
        values = [float(value) for value in pair.predict(block)]
    except (RuntimeProblem, ValueError, TypeError, KeyError, struct.error) as error:
        return " ".join(f"{type(error).__name__}: {error}".split())[:200]
    return [value if math.isfinite(value) else None for value in values]
