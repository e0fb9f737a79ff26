"""Raw data as declared: a file in an installed package, CSV, Parquet or a Python function → one Parquet object."""

import gzip
import importlib.metadata
import importlib.util
import io
import zipfile
from pathlib import Path
from typing import Any

from groundplan_runtime import project_code, schema, storage
from groundplan_runtime.config import Runtime
from groundplan_runtime.errors import RuntimeProblem
from groundplan_runtime.jobs.document import Job

NULLS = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None"]


def run(job: Job, _: Runtime) -> dict[str, Any]:
    """Read the source, cast it to its declared fields, write it. Returns rows, columns and the span in time."""
    fields = dict(job.properties["fields"])
    with project_code.unpacked(job.code_uri) as root:
        raw = _read(job, root, fields)
    table = schema.cast(raw, fields, f"data_sources.{job.name}.fields")
    storage.write_table(job.target(), table)
    job.say(f"{job.name}: {table.num_rows:,} rows of {len(fields)} columns")
    times = [name for name, kind in fields.items() if kind == "timestamp"]
    return {"rows": table.num_rows, "columns": len(fields)} | schema.span(table, times[0] if times else None)


def _read(job: Job, root: Path, fields: dict[str, str]) -> Any:
    given, place = job.properties, f"data_sources.{job.name}"
    if given["kind"] == "python":
        return as_table(project_code.function(root, given["python"])(), given["python"])
    if given["kind"] == "package":
        path = package_file(given["package"], given["file"])
        return _parse(path.name, path.read_bytes(), fields, place)
    path = given["path"]
    content = storage.read_bytes(path) if path.startswith("s3://") else project_code.inside(root, path).read_bytes()
    return _parse(path, content, fields, place)


def package_file(package: str, file: str) -> Path:
    """Return a data file of an installed package, which is never imported. RuntimeProblem when it is not there."""
    folders = _folders(package)
    if not folders:
        raise RuntimeProblem("no such package is installed", path="package", value=package, fix="add it to the runtime")
    for folder in folders:
        path = (folder / file).resolve()
        if path.is_relative_to(folder.resolve()) and path.is_file():
            return path
    raise RuntimeProblem(f"no such file in the package {package}", path="file", value=file)


def _folders(package: str) -> list[Path]:
    if "." not in package:  # looking for a package in a package would import the outer one
        spec = importlib.util.find_spec(package.replace("-", "_"))
        if spec and spec.submodule_search_locations:
            return [Path(place) for place in spec.submodule_search_locations]
    try:
        return [Path(str(importlib.metadata.distribution(package).locate_file("")))]
    except importlib.metadata.PackageNotFoundError:
        return []


def _parse(name: str, content: bytes, fields: dict[str, str], place: str) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    name, content = _unzipped(name, content)
    try:
        if name.endswith(".parquet"):
            return pq.read_table(io.BytesIO(content))
        if name.endswith(".csv"):
            return _csv(content, fields)
    except (pa.ArrowInvalid, OSError) as error:
        raise RuntimeProblem(f"cannot be read: {error}", path=place, value=name) from None
    raise RuntimeProblem("unknown kind of file", path=place, value=name, allowed=".parquet, .csv, .csv.gz, .csv.zip")


def _unzipped(name: str, content: bytes) -> tuple[str, bytes]:
    if name.endswith(".gz"):
        return name.removesuffix(".gz"), gzip.decompress(content)
    if not name.endswith(".zip"):
        return name, content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [member for member in archive.namelist() if not member.endswith("/")]
        if len(members) != 1:
            raise RuntimeProblem("holds more or less than one file", path=name, value=", ".join(members[:5]))
        return members[0], archive.read(members[0])


def _csv(content: bytes, fields: dict[str, str]) -> Any:
    import pyarrow as pa
    from pyarrow import csv

    text = {name: pa.string() for name, kind in fields.items() if kind == "string"}  # "007" stays as it is
    options = csv.ConvertOptions(null_values=NULLS, strings_can_be_null=True, column_types=text)
    return csv.read_csv(io.BytesIO(content), convert_options=options)


def as_table(found: Any, path: str) -> Any:
    """Return what a project's function returned as an Arrow table; RuntimeProblem when it is no table."""
    import pandas as pd
    import pyarrow as pa

    if isinstance(found, pa.Table):
        return found
    if isinstance(found, pd.DataFrame):
        return pa.Table.from_pandas(found, preserve_index=False)
    raise RuntimeProblem("returned no table", path=path, value=type(found).__name__, allowed="DataFrame, pyarrow.Table")
