"""What says of a pair all that another registry needs, and the checks that let it in. Pure.

A manifest (plain JSON values)::

    {"format": 1, "project", "model", "digest", "content",
     "source": {"stack", "stack_id", "version", "run_id", "trained_by", "created_at"},
     "metrics", "features", "upstream",
     "run": {"params", "metrics", "tags"},
     "evidence": {"approvals": [...], "moves": [...]},
     "files": {"preprocessor": FILE, "model": FILE, "holdout": FILE, "view.<name>": FILE},
     "views": {view: {"entities", "timestamp", "ttl", "fields"}}}

``FILE`` is ``{"sha256", "size"}``. ``digest`` is what made the pair (its declaration, code and data cut); ``content``
is the digest of what it is: of both halves' bytes. The same in every registry; the number is not.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from groundplan.controlplane.problem import ApiProblem
from groundplan.plan import canonical

FORMAT = 1
HALVES = ("preprocessor", "model")
HOLDOUT = "holdout"
VIEW = "view."
SHA256 = re.compile(r"[0-9a-f]{64}")
_TEXTS = ("project", "model", "digest", "content")
_MAPS = ("source", "metrics", "features", "upstream", "run", "evidence", "files", "views")


def sha256(data: bytes) -> str:
    """Return the sha256 of some bytes, in hex."""
    return hashlib.sha256(data).hexdigest()


def content_of(files: Mapping[str, Any]) -> str:
    """Return the digest of a pair's content: of both halves' bytes."""
    return sha256(canonical({half: files[half]["sha256"] for half in HALVES}).encode())


def checked(given: Mapping[str, Any], project: str, model: str) -> dict[str, Any]:
    """Return a manifest that is whole and about this model. ApiProblem 422 for any other."""
    if given.get("format") != FORMAT:
        raise _wrong("format", "is of another release", given.get("format"), str(FORMAT))
    for key, kind in (*((key, str) for key in _TEXTS), *((key, dict) for key in _MAPS)):
        if not isinstance(given.get(key), kind):
            raise _wrong(key, "is missing, or of another type", given.get(key), kind.__name__)
    if (given["project"], given["model"]) != (project, model):
        value = f"{given['project']}/{given['model']}"
        raise _wrong("model", "is another model's", value, f"{project}/{model}")
    _files(given["files"])
    if content_of(given["files"]) != given["content"]:
        raise _wrong("content", "is not the digest of its halves", given["content"], content_of(given["files"]))
    _source(given["source"])
    _told(given)
    return dict(given)


def missing_features(features: Mapping[str, Any], views: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield what a pair reads and the feature views declared here (``{view: properties}``) have not got."""
    for view, wanted in features.get("views", {}).items():
        here = views.get(view)
        if here is None:
            yield f"feature view {view}"
            continue
        for field, type in wanted["fields"].items():
            if here["fields"].get(field) != type:
                yield f"{view}.{field} ({type}; here: {here['fields'].get(field, 'none')})"


def view_files(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Return the files that hold the rows of feature views: view → the file's name in the manifest."""
    return {name.removeprefix(VIEW): name for name in manifest["files"] if name.startswith(VIEW)}


def _files(files: Mapping[str, Any]) -> None:
    missing = [half for half in HALVES if half not in files]
    if missing:
        raise _wrong("files", f"lacks {missing[0]}", list(files), "both halves")
    for name, file in files.items():
        known = name in (*HALVES, HOLDOUT) or re.fullmatch(r"view\.[a-z][a-z0-9_]{0,39}", name)
        if not known or not isinstance(file, dict) or not SHA256.fullmatch(str(file.get("sha256"))):
            raise _wrong(f"files.{name}", "is no file of a pair", file, '{"sha256": 64 hex digits, "size": bytes}')


def _source(source: Mapping[str, Any]) -> None:
    texts = all(isinstance(source.get(key), str) for key in ("stack", "stack_id", "run_id", "created_at"))
    if not texts or not isinstance(source.get("version"), int):
        allowed = "stack, stack_id, version, run_id, created_at"
        raise _wrong("source", "does not say where it is from", source, allowed)


def _told(given: Mapping[str, Any]) -> None:
    """What is written down here has to have the shape in which it is read later."""
    run, views = given["run"], given["features"].get("views")
    if not all(isinstance(run.get(key), dict) for key in ("params", "metrics", "tags")):
        raise _wrong("run", "is no run", run, "params, metrics, tags")
    for path, metrics in (("metrics", given["metrics"]), ("run.metrics", run["metrics"])):
        if not all(isinstance(value, int | float) for value in metrics.values()):
            raise _wrong(path, "holds something that is no number", metrics, "name → number")
    if not isinstance(views, dict) or not all(
        isinstance(v, dict) and isinstance(v.get("fields"), dict) for v in views.values()
    ):
        raise _wrong("features", "names no views with their fields", views, '{"views": {view: {"fields": …}}}')
    for view in view_files(given):
        if not isinstance(given["views"].get(view), dict):
            raise _wrong(f"views.{view}", "is missing", None, "what its rows are: entities, timestamp, ttl, fields")


def _wrong(path: str, what: str, value: Any, allowed: str) -> ApiProblem:
    return ApiProblem(422, what, path=f"manifest.{path}", value=str(value)[:120], allowed=allowed)
