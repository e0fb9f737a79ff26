"""A feature view's rows: its SQL or Python over its inputs, held against its declaration, → one Parquet object."""

from typing import Any

from groundplan_runtime import project_code, schema, sql, storage
from groundplan_runtime.config import Runtime
from groundplan_runtime.errors import RuntimeProblem
from groundplan_runtime.jobs.document import Job
from groundplan_runtime.jobs.ingest import as_table


def run(job: Job, _: Runtime) -> dict[str, Any]:
    """Build the view, check it, write it. Returns rows, columns and the span in time."""
    inputs = {name: storage.read_table(given["uri"]) for name, given in job.inputs.items()}
    job.say(f"{job.name}: reads " + ", ".join(f"{name} ({table.num_rows:,})" for name, table in inputs.items()))
    with project_code.unpacked(job.code_uri) as root:
        built = _build(job, root, inputs)
    keys = {entity["join_key"]: entity["type"] for entity in job.entities.values()}
    table = checked(built, keys, job.properties["timestamp"], job.properties["fields"], f"feature_views.{job.name}")
    storage.write_table(job.target(), table)
    job.say(f"{job.name}: {table.num_rows:,} rows of {len(job.properties['fields'])} features")
    result = {"rows": table.num_rows, "columns": table.num_columns}
    return result | schema.span(table, job.properties["timestamp"])


def _build(job: Job, root: Any, inputs: dict[str, Any]) -> Any:
    statement = job.properties.get("sql")
    if statement:
        text = project_code.text(root, statement)
        return sql.run(text, inputs, statement, threads=job.threads, memory_mb=job.memory_mb)
    reference = job.properties["python"]
    frames = {name: table.to_pandas() for name, table in inputs.items()}
    return as_table(project_code.function(root, reference)(frames), reference)


def checked(table: Any, keys: dict[str, str], timestamp: str, fields: dict[str, str], path: str) -> Any:
    """Return the table as declared (keys, timestamp, fields; sorted), or raise RuntimeProblem.

    Features that are instants come in whole seconds.

    Refused: a column too few or too many, a type that does not fit, a key or timestamp that is null, two rows of one
    entity at one time, no row at all.
    """
    declared = keys | {timestamp: "timestamp"} | fields
    instants = [name for name, kind in fields.items() if kind == "timestamp" and name != timestamp]
    extra = [name for name in table.column_names if name not in declared]
    if extra:
        raise RuntimeProblem("column is not declared", path=path, value=", ".join(extra), fix="declare it under fields")
    cast = schema.cast(table, declared, f"{path}.fields")
    if cast.num_rows == 0:
        raise RuntimeProblem("has no rows", path=path, fix="look at its inputs and its WHERE")
    for name in (*keys, timestamp):
        if cast[name].null_count:
            raise RuntimeProblem("is null in some rows", path=f"{path}.{name}", value=f"{cast[name].null_count} rows")
    _refuse_duplicates(cast, [*keys, timestamp], path)
    cast = _in_seconds(cast, instants)
    return cast.sort_by([(name, "ascending") for name in (timestamp, *keys)])


def _in_seconds(table: Any, instants: list[str]) -> Any:
    """Cut features that are instants to whole seconds: the online store keeps no more, and training sees the same."""
    import pyarrow.compute as pc

    for name in instants:
        cut = pc.cast(pc.floor_temporal(table[name], unit="second"), table.schema.field(name).type)
        table = table.set_column(table.schema.get_field_index(name), name, cut)
    return table


def _refuse_duplicates(table: Any, columns: list[str], path: str) -> None:
    import pyarrow.compute as pc

    counts = table.group_by(columns).aggregate([([], "count_all")])
    twice = counts.filter(pc.greater(counts["count_all"], 1))
    if twice.num_rows:
        first = ", ".join(f"{name}={twice[name][0].as_py()}" for name in columns)
        raise RuntimeProblem("two rows of one entity at one time", path=path, value=first, fix="aggregate, or pick one")
