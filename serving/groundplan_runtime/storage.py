"""Parquet, JSON and bytes in the object store (``s3://…``) or, for tests and one-machine use, in plain files."""

import io
import json
import os
from typing import Any
from urllib.parse import urlsplit

from groundplan_runtime.errors import RuntimeProblem

ENDPOINT = "AWS_ENDPOINT_URL_S3"


def filesystem(uri: str, **more: Any) -> tuple[Any, str]:
    """Return the pyarrow file system of a URI and the path in it. Credentials come from the environment.

    ``more`` are further words of ``S3FileSystem``, such as its timeouts.
    """
    from pyarrow import fs

    if not uri.startswith("s3://"):
        return fs.LocalFileSystem(), uri.removeprefix("file://")
    endpoint = urlsplit(os.environ.get(ENDPOINT, ""))
    override = {"endpoint_override": endpoint.netloc, "scheme": endpoint.scheme} if endpoint.netloc else {}
    region = os.environ.get("AWS_REGION", "us-east-1")
    return fs.S3FileSystem(region=region, **override, **more), uri.removeprefix("s3://")


def read_bytes(uri: str) -> bytes:
    """Return an object whole; RuntimeProblem when it is not there."""
    files, path = filesystem(uri)
    try:
        with files.open_input_stream(path) as stream:
            return bytes(stream.read())
    except FileNotFoundError:
        raise RuntimeProblem("no such object", path=uri) from None


def write_bytes(uri: str, content: bytes) -> None:
    """Write an object whole, over one that is there."""
    files, path = filesystem(uri)
    _make_parent(files, path)
    with files.open_output_stream(path) as stream:
        stream.write(content)


def write_json(uri: str, document: Any) -> None:
    """Write one JSON document."""
    write_bytes(uri, json.dumps(document, allow_nan=False).encode())


def read_table(uri: str, columns: list[str] | None = None) -> Any:
    """Return a Parquet object as an Arrow table, only the named columns; RuntimeProblem when it is not there."""
    import pyarrow.parquet as pq

    return pq.read_table(io.BytesIO(read_bytes(uri)), columns=columns)


def write_table(uri: str, table: Any) -> None:
    """Write an Arrow table as one Parquet object, timestamps in µs."""
    import pyarrow.parquet as pq

    files, path = filesystem(uri)
    _make_parent(files, path)
    pq.write_table(table, path, filesystem=files, compression="zstd", coerce_timestamps="us")


def folders(uri: str) -> list[str]:
    """Return the URIs of the folders right below one; none when it is not there."""
    return [each for each, info in _listed(uri, recursive=False) if not info.is_file]


def files(uri: str) -> list[tuple[str, float]]:
    """Return the URI and the time (unix seconds) of each object below a folder, at any depth."""
    return [(each, info.mtime.timestamp()) for each, info in _listed(uri, recursive=True) if info.is_file]


def _listed(uri: str, recursive: bool) -> list[tuple[str, Any]]:
    from pyarrow import fs

    files, path = filesystem(uri)
    found = files.get_file_info(fs.FileSelector(path, allow_not_found=True, recursive=recursive))
    scheme = "s3://" if uri.startswith("s3://") else ""
    return [(f"{scheme}{info.path}", info) for info in found]


def delete(uri: str) -> None:
    """Remove an object; one that is not there is fine."""
    files, path = filesystem(uri)
    if files.get_file_info(path).is_file:
        files.delete_file(path)


def _make_parent(files: Any, path: str) -> None:
    if files.type_name == "local":  # an object store has no folders
        files.create_dir(os.path.dirname(path), recursive=True)
