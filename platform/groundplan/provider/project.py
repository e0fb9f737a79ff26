"""The project resource: an ML resource that brings its code along."""

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from groundplan.errors import GroundplanError
from groundplan.provider.handler import Context
from groundplan.provider.ml import MLHandler
from groundplan.provider.rest import ControlPlane

#: The one time in every archive: the same files are the same bytes.
EPOCH = (1980, 1, 1, 0, 0, 0)


class ProjectHandler(MLHandler):
    """Uploads the files that a project names, once for each digest of them."""

    def prepare(self, plane: ControlPlane, inputs: Mapping[str, Any], ctx: Context) -> None:
        """Upload the code when the control plane has not got it."""
        path = f"/v1/projects/{quote(inputs['project'], safe='')}/code/{code_digest(inputs['code'])}"
        if plane.has(path):
            return
        ctx.report(f"uploading {len(inputs['code'])} files of {inputs['source']}")
        plane.upload(path, archive(_root() / inputs["source"], inputs["code"]))


def code_digest(code: Mapping[str, str]) -> str:
    """Return the digest of a project's code: sha256 of the canonical JSON of path → sha256, first 16 hex digits."""
    text = json.dumps(dict(code), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def archive(folder: Path, code: Mapping[str, str]) -> bytes:
    """Return a zip of the files named, checked against their digests. GroundplanError when one is not as planned."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as zipped:
        for path, digest in sorted(code.items()):
            zipped.writestr(zipfile.ZipInfo(path, EPOCH), _read(folder / path, digest), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _read(path: Path, digest: str) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise GroundplanError(f"{path}: cannot be read ({error.strerror}); fix: groundplan check") from error
    if hashlib.sha256(content).hexdigest() != digest:
        raise GroundplanError(f"{path}: changed while it was being deployed; fix: run `up` again")
    return content


def _root() -> Path:
    return Path(os.environ.get("GROUNDPLAN_ROOT", Path.cwd()))
