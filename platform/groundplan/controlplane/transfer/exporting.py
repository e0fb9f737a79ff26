"""A pair as another registry takes it: its manifest, and each of its files. Writes nothing."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from groundplan.controlplane import approvals, moves, registry, store
from groundplan.controlplane.context import Platform
from groundplan.controlplane.kinds.pairs import is_whole
from groundplan.controlplane.kinds.trained_on import features_of
from groundplan.controlplane.problem import ApiProblem
from groundplan.controlplane.retirements import retired, words
from groundplan.controlplane.transfer.manifest import FORMAT, HALVES, HOLDOUT, VIEW, content_of, sha256
from groundplan.controlplane.transfer.tarred import pack


def exported(platform: Platform, project: str, model: str, digest: str) -> dict[str, Any]:
    """Return a pair's manifest. ApiProblem 404 for no such pair, 409 for one that was retired or lost a half."""
    pair = _pair(platform, project, model, digest)
    names = [*HALVES, *_rows(pair)]
    files = {}
    for name in names:
        data = _file(platform, project, model, pair, name)
        files[name] = {"sha256": sha256(data), "size": len(data)}
    kept = (pair.get("trained_on") or {}).get("views", {})
    return {
        "format": FORMAT,
        "project": project,
        "model": model,
        "digest": digest,
        "content": content_of(files),
        "source": _source(platform, pair),
        "metrics": pair["metrics"],
        "features": features_of(platform, project, model, pair["version"]),
        "upstream": _upstream(platform, project, model, digest),
        "run": platform.mlflow.run_of(pair["run_id"]),
        "evidence": _evidence(platform, project, model, digest),
        "files": files,
        "views": {view: {key: given[key] for key in given if key != "uri"} for view, given in kept.items()},
    }


def exported_file(platform: Platform, project: str, model: str, digest: str, name: str) -> bytes:
    """Return one file of a pair. ApiProblem 404 for one that the pair has not got."""
    pair = _pair(platform, project, model, digest)
    known = [*HALVES, *_rows(pair)]
    if name not in known:
        raise ApiProblem(404, "no such file of the pair", path="file", value=name[:80], allowed=", ".join(known))
    return _file(platform, project, model, pair, name)


def _pair(platform: Platform, project: str, model: str, digest: str) -> dict[str, Any]:
    with platform.engine.connect() as connection:
        pair = registry.pair_by_digest(connection, project, model, digest)
        gone = retired(connection, project, model).get(digest)
    path = f"{project}/{model}"
    if pair is None:
        raise ApiProblem(404, "no pair of that digest", path=path, value=digest[:80])
    if gone is not None:
        raise ApiProblem(409, words(pair["version"], gone), path=path, fix="promote another version")
    if not is_whole(platform, project, model, pair):
        what = f"pair version {pair['version']} lost a half in MLflow"
        raise ApiProblem(409, what, path=path, fix=f"groundplan up {platform.runtime.stack} registers it again")
    return pair


def _rows(pair: Mapping[str, Any]) -> dict[str, str]:
    """Return the files of rows that a pair is judged by later: name → uri."""
    kept = pair.get("trained_on") or {}
    held = {HOLDOUT: kept["holdout"]} if kept.get("holdout") else {}
    return held | {f"{VIEW}{view}": given["uri"] for view, given in sorted(kept.get("views", {}).items())}


def _file(platform: Platform, project: str, model: str, pair: Mapping[str, Any], name: str) -> bytes:
    if name in HALVES:
        with tempfile.TemporaryDirectory() as folder:
            half = f"{registry.mlflow_name(project, model)}_{name}"
            return pack(platform.mlflow.fetch(half, pair["version"], Path(folder)))
    try:
        return platform.objects.get(_rows(pair)[name])
    except KeyError as error:
        raise ApiProblem(409, f"the rows of {name} were not kept: {error}", path=f"{project}/{model}") from None


def _source(platform: Platform, pair: Mapping[str, Any]) -> dict[str, Any]:
    """Where it is from: here, and, of one that came from elsewhere, where it was trained."""
    own = {"stack": platform.runtime.stack, "stack_id": platform.runtime.stack_id, "version": pair["version"]}
    who = {"run_id": pair["run_id"], "trained_by": pair.get("trained_by")}
    before = {"before": pair["source"]} if pair.get("source") else {}
    return {**own, **who, "created_at": pair["created_at"].isoformat(), **before}


def _upstream(platform: Platform, project: str, model: str, digest: str) -> dict[str, str]:
    """Return the digests of what fed it, where the model is declared as it was then."""
    with platform.engine.connect() as connection:
        found = store.get(connection, project, "model", model)
    return dict(found.upstream) if found and found.data_digest == digest else {}


def _evidence(platform: Platform, project: str, model: str, digest: str) -> dict[str, Any]:
    with platform.engine.connect() as connection:
        approved = approvals.approvals_of(connection, project, model, digest)
        told = moves.moves_of(connection, project, model)
        mine = [m for m in told if registry.digest_of(connection, project, model, m["to_version"]) == digest]
    kept = ("alias", "actor", "reason", "cause", "evidence", "from_version", "to_version")
    return {
        "approvals": approved,
        "moves": [{"at": move["at"].isoformat(), **{key: move[key] for key in kept}} for move in mine],
    }
