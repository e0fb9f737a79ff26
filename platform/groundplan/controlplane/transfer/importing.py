"""A pair from another registry: every byte checked, then logged and registered under the next number of this one."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from groundplan.controlplane import registry
from groundplan.controlplane.context import Platform, Work
from groundplan.controlplane.kinds import jobs, shared
from groundplan.controlplane.kinds.base import need
from groundplan.controlplane.problem import ApiProblem
from groundplan.controlplane.store import Resource
from groundplan.controlplane.transfer.manifest import HALVES, HOLDOUT, checked, missing_features, sha256, view_files
from groundplan.controlplane.transfer.tarred import pack, unpack

Manifest = Mapping[str, Any]


def blob_key(project: str, hash: str) -> str:
    """Return the key under which a file waits for the import of its pair."""
    return f"imports/{project}/{hash}"


def admitted(platform: Platform, model: Resource, given: Manifest) -> dict[str, Any]:
    """Return the manifest of a pair that may come in. ApiProblem for one that may not, before anything is written.

    409: this stack trains its own, or takes pairs from another stack; a pair of that digest with other content is
    here; it reads features that are not declared here. 422: bytes that are not what the manifest says.
    """
    manifest = checked(given, model.project, model.name)
    _from_where(platform, model, manifest)
    _same_as_known(platform, manifest)
    for name, file in manifest["files"].items():
        if name not in HALVES or not platform.shares:
            _bytes(platform, model.project, file["sha256"])
    service = need(platform, model.project, "feature_service", model.properties["feature_service"])
    views = {v: need(platform, model.project, "feature_view", v).properties for v in service.properties["views"]}
    lacking = list(missing_features(manifest["features"], views))
    if lacking:
        fix = f"deploy the declaration that the pair was made with to {platform.runtime.stack} first"
        what = "reads features that are not declared here"
        raise ApiProblem(409, what, path=model.id, value="; ".join(lacking), fix=fix)
    return manifest


def keep(platform: Platform, manifest: Manifest) -> str:
    """Keep a manifest by its digest; return its uri, by which the work finds it again after a crash."""
    data = json.dumps(manifest, sort_keys=True).encode()
    return platform.objects.put(f"imports/{manifest['project']}/{sha256(data)}.json", data)


def imported(work: Work, uri: str) -> dict[str, Any]:
    """Return what a training would have: both halves as logged here, metrics, features, rows; and the source.

    Logs what is not logged yet. Doing it again after it is done is harmless, and logs nothing. A shared registry holds
    the halves already: they are read there, and nothing is logged.
    """
    manifest = json.loads(work.platform.objects.get(uri))
    source = manifest["source"]
    made = _there(work, manifest) if work.platform.shares else _here(work, manifest)
    kept = {key: source[key] for key in ("stack", "stack_id", "version", "run_id", "created_at")}
    more = {key: source[key] for key in ("before",) if key in source}
    told = {"content": manifest["content"], "evidence": manifest["evidence"], "run": manifest["run"]}
    told |= {"registry": work.platform.runtime.registry} if work.platform.shares else {}
    return {
        **made,
        "features": manifest["features"],
        "trained_by": source.get("trained_by"),
        "trained_on": _rows(work, manifest),
        "source": {**kept, **more, **told, "upstream": manifest["upstream"]},
    }


def _from_where(platform: Platform, model: Resource, manifest: Manifest) -> None:
    declared = model.properties.get("source")
    stack = platform.runtime.stack
    if not declared:
        fix = f"source: {{stack: {manifest['source']['stack']}}} in stacks/{stack}.yaml"
        raise ApiProblem(409, f"{stack} trains its own pairs", path=model.id, fix=fix)
    if declared["stack"] != manifest["source"]["stack"]:
        what = f"{stack} takes its pairs from {declared['stack']}"
        raise ApiProblem(409, what, path=model.id, value=manifest["source"]["stack"], allowed=declared["stack"])


def _same_as_known(platform: Platform, manifest: Manifest) -> None:
    project, model, digest = manifest["project"], manifest["model"], manifest["digest"]
    with platform.engine.connect() as connection:
        known = registry.pair_by_digest(connection, project, model, digest)
    if known is not None and (known["source"] or {}).get("content") != manifest["content"]:
        what = f"pair version {known['version']} is of this digest, and its content is another"
        fix = "look which of the two is right: a digest is made once"
        raise ApiProblem(409, what, path=f"{project}/{model}", value=manifest["content"][:16], fix=fix)


def _bytes(platform: Platform, project: str, hash: str) -> bytes:
    try:
        data = platform.objects.get(f"s3://{platform.runtime.bucket}/{blob_key(project, hash)}")
    except KeyError:
        raise ApiProblem(422, "was not uploaded", path="manifest.files", value=hash, fix="upload it first") from None
    if sha256(data) != hash:
        raise ApiProblem(422, "is damaged: its bytes have another digest", path="manifest.files", value=hash)
    return data


def _here(work: Work, manifest: Manifest) -> dict[str, Any]:
    source = manifest["source"]
    made = jobs.result_of(work.platform, work.resource.id, manifest["digest"])
    if made is not None and made.get("content") == manifest["content"]:
        return made
    work.say(f"{work.resource.name}: takes pair version {source['version']} of {source['stack']}, as it is")
    return _logged(work, manifest)


def _there(work: Work, manifest: Manifest) -> dict[str, Any]:
    """Return what a shared registry holds of the pair. ApiProblem 409 unless whole and as its manifest says."""
    platform, resource, source = work.platform, work.resource, manifest["source"]
    made = {"digest": manifest["digest"], "run_id": source["run_id"]}
    version = shared.whole(platform, resource.project, resource.name, made)
    name = registry.mlflow_name(resource.project, resource.name)
    for half in HALVES:
        with tempfile.TemporaryDirectory() as folder:
            found = sha256(pack(platform.mlflow.fetch(f"{name}_{half}", version, Path(folder))))
        if found != manifest["files"][half]["sha256"]:
            what = f"the {half} of pair version {version} in {platform.runtime.registry}'s registry is another one"
            raise ApiProblem(409, what, path=resource.id, value=found, allowed=manifest["files"][half]["sha256"])
    work.say(f"{resource.name}: pair version {version} of {platform.runtime.registry}'s registry is whole")
    return {**made, "metrics": manifest["metrics"]}


def _logged(work: Work, manifest: Manifest) -> dict[str, Any]:
    """Log a run with both halves, and keep what came of it where a training keeps its result."""
    platform, resource, source = work.platform, work.resource, manifest["source"]
    name = registry.mlflow_name(resource.project, resource.name)
    tags = {
        "project": resource.project,
        "model": resource.name,
        "digest": manifest["digest"],
        "source.stack": source["stack"],
        "source.version": str(source["version"]),
        "source.run_id": str(source["run_id"]),
    }
    run = platform.mlflow.new_run(resource.project, f"{resource.name}-{manifest['digest']}", tags, manifest["run"])
    halves = {}
    for half in HALVES:
        with tempfile.TemporaryDirectory() as folder:
            found = unpack(_bytes(platform, resource.project, manifest["files"][half]["sha256"]), Path(folder))
            logged = platform.mlflow.log_half(resource.project, run, f"{name}_{half}", found)
        halves[half] = vars(logged)
    made = {**halves, "run_id": run, "metrics": manifest["metrics"], "content": manifest["content"]}
    jobs.keep_result(platform, resource.id, manifest["digest"], made)
    return made


def _rows(work: Work, manifest: Manifest) -> dict[str, Any]:
    """Put the rows that the pair is judged by where a training of this stack puts them."""
    platform, files = work.platform, manifest["files"]
    base = f"results/{work.resource.id}/{manifest['digest']}"

    def put(name: str, key: str) -> str:
        return platform.objects.put(key, _bytes(platform, work.resource.project, files[name]["sha256"]))

    views = {
        view: {**manifest["views"][view], "uri": put(name, f"{base}.{view}.parquet")}
        for view, name in view_files(manifest).items()
    }
    holdout = put(HOLDOUT, f"{base}.holdout.parquet") if HOLDOUT in files else None
    return {"views": views, "holdout": holdout}
