"""The columns of the prediction log: one row an entity."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from groundplan_serving.log import Served


def table_of(served: "Sequence[Served]") -> Any:
    """Return an Arrow table of answers with the same features.

    Columns: request_id, at, alias, version, role, row (position in the request), value; latency_<tier>_ms; the join
    keys; ``<view>__<field>`` as served, text or float64; ``<view>__event_timestamp``, when the row it came from was
    known. Instants are in µs, UTC.
    """
    import numpy as np
    import pyarrow as pa

    rows = [each.block.rows for each in served]
    instant = pa.timestamp("us", tz="UTC")

    def repeated(values: list[Any], kind: Any = None) -> Any:
        return pa.array(np.repeat(np.array(values, dtype=object), rows), type=kind)

    first = served[0]
    columns = {
        "request_id": repeated([each.request_id for each in served], pa.string()),
        "at": pa.array(np.repeat(_micros(np.array([each.at for each in served])), rows), type=instant),
        "alias": repeated([each.alias for each in served], pa.string()),
        "version": repeated([each.version for each in served], pa.int32()),
        "role": repeated([each.role for each in served], pa.string()),
        "row": pa.array(np.concatenate([np.arange(count) for count in rows]), type=pa.int32()),
        "value": pa.array(np.concatenate([np.asarray(each.predictions, dtype="float64") for each in served])),
    }
    for tier in sorted({tier for each in served for tier in each.latency_ms}):
        columns[f"latency_{tier}_ms"] = repeated([each.latency_ms.get(tier) for each in served], pa.float32())
    for key in first.keys:
        columns[key] = pa.array([value for each in served for value in each.keys[key]])
    numbers = np.concatenate([each.block.numbers for each in served])
    for position, name in enumerate(first.block.names):
        columns.setdefault(name, pa.array(numbers[:, position]))
    for name in first.block.texts:
        columns.setdefault(name, pa.array([v for each in served for v in each.block.texts[name]], type=pa.string()))
    for view in first.block.times:
        times = np.concatenate([each.block.times[view] for each in served])
        columns[f"{view}__event_timestamp"] = pa.array(_micros(times), type=instant, mask=np.isnan(times))
    return pa.table(columns)


def joined(parts: Sequence[Any]) -> Any:
    """Return Arrow tables of the same columns as one, without a copy."""
    import pyarrow as pa

    return pa.concat_tables(parts)


def _micros(seconds: Any) -> Any:
    import numpy as np

    return np.round(np.nan_to_num(seconds) * 1e6).astype("int64")
