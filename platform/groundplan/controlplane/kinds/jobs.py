"""Jobs on Ray as steps: submitted or joined by id, done once a digest, their result read from the object store."""

import json
from collections.abc import Mapping
from typing import Any

import structlog

from groundplan.controlplane.adapters.jobs import JobFailed
from groundplan.controlplane.context import Platform, Work
from groundplan.controlplane.kinds.base import find
from groundplan.controlplane.problem import ApiProblem
from groundplan.controlplane.store import Resource
from groundplan.errors import ServiceError

log = structlog.get_logger()


def run(work: Work, job: str, output_uri: str | None = None, *, once: str | None = None, **more: Any) -> dict[str, Any]:
    """Run a job for the work's resource and return its result. ApiProblem for a mistake of the user's in it.

    A job is done once for each ``once``, the data digest unless told: its result, and its output, are looked at first.
    """
    resource, objects = work.resource, work.platform.objects
    result_uri = _result_uri(work.platform, resource.id, once or resource.data_digest)
    done = _done(work.platform, result_uri, output_uri)
    if done is not None:
        work.say(f"{resource.name}: made before from the same declaration, code and data; reusing it")
        return done
    objects.delete(result_uri)
    document = {
        "job": job,
        "project": resource.project,
        "name": resource.name,
        "digest": resource.data_digest,
        "properties": dict(resource.properties),
        "code_uri": code_uri(work.platform, resource.project),
        "output_uri": output_uri,
        "result_uri": result_uri,
        "resources": limits(work.platform, resource),
        **more,
    }
    failure = _ran(work, document)
    result = _read(work.platform, result_uri)
    if result is not None and "error" in result:
        objects.delete(result_uri)
        raise _mistake(result["error"])
    if failure is not None:
        raise failure
    if result is None:
        raise ApiProblem(500, "the job ended without a result", path=resource.id, fix="groundplan logs ray")
    return result


def limits(platform: Platform, resource: Resource) -> dict[str, Any]:
    """Return what the resource's job may use, and where that is declared: with what runs, or is run, in it."""
    model = {"alias": "model", "serving_application": "model", "model": ""}
    if resource.kind in model:
        kind, word, of = "model", "training", model[resource.kind]
    elif resource.kind == "data_source":
        kind, word, of = "data_source", "data_sources", ""
    else:
        kind, word, of = "feature_view", "feature_views", "view" if resource.kind == "materialization" else ""
    name = resource.properties[of] if of else resource.name
    declared = resource if not of else find(platform, resource.project, kind, name)
    given = declared.properties.get("resources", {}) if declared else {}
    return {**given, "path": f"{word}.{name}.resources"}


def result_of(platform: Platform, id: str, once: str) -> dict[str, Any] | None:
    """Return what a job of a resource once made, None when there is nothing."""
    return _done(platform, _result_uri(platform, id, once), None)


def keep_result(platform: Platform, id: str, once: str, result: Mapping[str, Any]) -> None:
    """Keep a result as a job of the resource would: what was made elsewhere is found again as what was made here."""
    platform.objects.put(_result_key(id, once), json.dumps(result).encode())


def _result_key(id: str, once: str) -> str:
    return f"results/{id}/{once}.json"


def _result_uri(platform: Platform, id: str, once: str) -> str:
    return f"s3://{platform.runtime.bucket}/{_result_key(id, once)}"


def stop(platform: Platform, operation: str) -> None:
    """Stop the job of an operation that was cancelled. What it still made would be of its own digest: harmless."""
    try:
        platform.jobs.stop(operation)
    except ServiceError as error:
        log.warning("the job of a cancelled operation was not stopped", operation=operation, error=str(error))


def _ran(work: Work, document: Mapping[str, Any]) -> JobFailed | None:
    """Run the job. One that failed may have left its reason as a result: that is looked at before the failure is."""
    try:
        gpus = {"gpus": document["resources"]["gpus"]} if document["resources"].get("gpus") else {}
        work.platform.jobs.run(work.operation, document, work.say, **gpus)
    except JobFailed as failure:
        return failure
    return None


def _mistake(error: Mapping[str, Any]) -> ApiProblem:
    parts = {key: _text(error.get(key)) for key in ("path", "value", "allowed", "fix")}
    return ApiProblem(422, _text(error.get("what")) or "failed", **parts)


def _done(platform: Platform, result_uri: str, output_uri: str | None) -> dict[str, Any] | None:
    result = _read(platform, result_uri)
    if result is None or "error" in result:
        return None
    return result if output_uri is None or platform.objects.exists(output_uri) else None


def _read(platform: Platform, uri: str) -> dict[str, Any] | None:
    try:
        return dict(json.loads(platform.objects.get(uri)))
    except KeyError:
        return None


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def code_uri(platform: Platform, project: str) -> str | None:
    """Return where the project's code lies now."""
    found = find(platform, project, "project", project)
    digest = found.outputs.get("code_digest") if found else None
    return f"s3://{platform.runtime.bucket}/code/{project}/{digest}.zip" if digest else None


def tables(platform: Platform, resource: Resource, names: list[str]) -> dict[str, Mapping[str, Any]]:
    """Return the Parquet objects of data sources and feature views by name: uri and fields."""
    found: dict[str, Mapping[str, Any]] = {}
    for name in names:
        source = find(platform, resource.project, "data_source", name) or find(
            platform, resource.project, "feature_view", name
        )
        if source is None or "uri" not in source.outputs:
            raise ApiProblem(409, f"needs {name}, which is not made yet", path=resource.id, fix="groundplan up")
        found[name] = {"uri": source.outputs["uri"], "fields": source.properties["fields"]}
    return found


def entities_of(platform: Platform, project: str, names: list[str]) -> dict[str, dict[str, Any]]:
    """Return entities by name, as declared."""
    found = {name: find(platform, project, "entity", name) for name in names}
    missing = [name for name, entity in found.items() if entity is None]
    if missing:
        raise ApiProblem(409, f"needs the entities {', '.join(missing)}, which are not there", path=project)
    return {name: dict(entity.properties) for name, entity in found.items() if entity}
