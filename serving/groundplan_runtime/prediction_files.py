"""Where the prediction log lies in the object store, and how its newest rows are read.

``s3://<bucket>/predictions/<project>/<application>/date=YYYY-MM-DD/hour=HH/<writer>-<number>-<rows>.parquet``, columns
as :func:`groundplan_serving.log_table.table_of` says.
"""

from typing import Any

from groundplan_runtime import storage


def folder(bucket: str, project: str, application: str) -> str:
    """Return the URI under which an application's log lies."""
    return f"s3://{bucket}/predictions/{project}/{application}"


def file_name(writer: str, number: int, rows: int) -> str:
    """Return the name of a writer's file; how many rows it holds need no read."""
    return f"{writer}-{number:08d}-{rows}.parquet"


def rows_in(name: str) -> int:
    """Return how many rows a file of that name or URI holds."""
    return int(name.rpartition("/")[2].removesuffix(".parquet").rpartition("-")[2])


def newest(uri: str, rows: int) -> Any:
    """Return the newest rows of a log, newest first, as an Arrow table of at most ``rows``; None of an empty one.

    Columns that some files lack (another version had other features) are null there.
    """
    import pyarrow as pa

    files = _newest_files(uri, rows)
    if not files:
        return None
    tables = [storage.read_table(file) for file in files]
    table = pa.concat_tables(tables, promote_options="permissive")
    return table.sort_by([("at", "descending"), ("request_id", "ascending"), ("row", "ascending")]).slice(0, rows)


def _newest_files(uri: str, rows: int) -> list[str]:
    """Return the files that were written last and hold that many rows together; whole days are listed, the last one
    first."""
    chosen: list[str] = []
    for day in sorted(storage.folders(uri), reverse=True):
        files = [file for file in storage.files(day) if file[0].endswith(".parquet")]
        for file, _ in sorted(files, key=lambda each: (each[1], each[0]), reverse=True):
            if rows <= 0:
                return chosen
            chosen.append(file)
            rows -= rows_in(file)
    return chosen
