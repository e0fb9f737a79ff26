"""Rows of lineage as Marquez's API shows them (``spec/openapi.yml`` of MarquezProject/marquez)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

Row = Mapping[str, Any]


def instant(at: datetime | None) -> str | None:
    """Return an instant in UTC, ending in ``Z``."""
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def namespace(row: Row) -> dict[str, Any]:
    """Return a namespace."""
    times = {"createdAt": instant(row["created_at"]), "updatedAt": instant(row["updated_at"])}
    return {
        "name": row["name"],
        "ownerName": row["owner"],
        "description": row["description"],
        **times,
        "isHidden": False,
    }


def source(row: Row) -> dict[str, Any]:
    """Return a source: where datasets lie."""
    times = {"createdAt": instant(row["created_at"]), "updatedAt": instant(row["updated_at"])}
    about = {"type": row["type"], "name": row["name"], "connectionUrl": row["connection_url"]}
    return {**about, "description": row["description"], **times}


def dataset(row: Row) -> dict[str, Any]:
    """Return a dataset as it is now."""
    return {
        **_dataset(row),
        "id": {"namespace": row["namespace"], "name": row["name"]},
        "updatedAt": instant(row["updated_at"]),
        "lastModifiedAt": instant(row["modified_at"]),
        "currentVersion": row["version"],
        "deleted": row["deleted"],
    }


def dataset_version(row: Row, now: Row, run: Row | None) -> dict[str, Any]:
    """Return one version of a dataset; ``now``: the dataset's own row, ``run``: the one that made it."""
    return {
        **_dataset({**now, **row}),
        "id": {"namespace": row["namespace"], "name": row["name"], "version": row["version"]},
        "version": row["version"],
        "createdByRun": run_shown(run) if run else None,
    }


def _dataset(row: Row) -> dict[str, Any]:
    return {
        "type": row["type"],
        "name": row["name"],
        "physicalName": row["physical_name"],
        "createdAt": instant(row["created_at"]),
        "namespace": row["namespace"],
        "sourceName": row["source"],
        "fields": row["fields"],
        "tags": list(row["tags"]),
        "lastLifecycleState": row["lifecycle_state"],
        "description": row["description"],
        "facets": row["facets"],
    }


def job(row: Row, inputs: list[Row], outputs: list[Row], run: Row | None = None) -> dict[str, Any]:
    """Return a job, what it reads and writes now, and its latest run."""
    return {
        "id": {"namespace": row["namespace"], "name": row["name"]},
        "type": row["type"],
        "name": row["name"],
        "simpleName": row["name"].rpartition(".")[2],
        "createdAt": instant(row["created_at"]),
        "updatedAt": instant(row["updated_at"]),
        "namespace": row["namespace"],
        "inputs": [_id(each) for each in inputs],
        "outputs": [_id(each) for each in outputs],
        "location": row["location"],
        "description": row["description"],
        "latestRun": run_shown(run) if run else None,
        "facets": row["facets"],
        "currentVersion": row["version"],
        "tags": [],
    }


def job_version(row: Row, run: Row | None) -> dict[str, Any]:
    """Return one version of a job."""
    return {
        "id": {"namespace": row["namespace"], "name": row["name"], "version": row["version"]},
        "name": row["name"],
        "version": row["version"],
        "createdAt": instant(row["created_at"]),
        "namespace": row["namespace"],
        "location": row["location"],
        "inputs": row["inputs"],
        "outputs": row["outputs"],
        "latestRun": run_shown(run) if run else None,
    }


def run_shown(row: Row) -> dict[str, Any]:
    """Return a run."""
    started, ended = row["started_at"], row["ended_at"]
    lasted = round((ended - started).total_seconds() * 1000) if started and ended else None
    of = {"namespace": row["namespace"], "name": row["job"], "version": row["job_version"]}
    return {
        "id": row["id"],
        "createdAt": instant(row["created_at"]),
        "updatedAt": instant(row["updated_at"]),
        "nominalStartTime": instant(row["nominal_start_at"]),
        "nominalEndTime": instant(row["nominal_end_at"]),
        "state": row["state"],
        "startedAt": instant(started),
        "endedAt": instant(ended),
        "durationMs": lasted,
        "args": row["args"],
        "jobVersion": of,
        "inputVersions": [_version(each) for each in row["inputs"]],
        "outputVersions": [_version(each) for each in row["outputs"]],
        "inputDatasetVersions": [{"datasetVersionId": _version(each), "facets": {}} for each in row["inputs"]],
        "outputDatasetVersions": [{"datasetVersionId": _version(each), "facets": {}} for each in row["outputs"]],
        "facets": row["facets"],
    }


def _id(row: Row) -> dict[str, Any]:
    return {"namespace": row["namespace"], "name": row["name"]}


def _version(row: Row) -> dict[str, Any]:
    return {**_id(row), "version": row["version"]}
