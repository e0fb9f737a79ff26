"""A control plane as a process of its own, on a real PostgreSQL, whose slow work waits for files: made to be killed.

Run as ``python -m tests.runtime.controlplane.killable FOLDER`` with GROUNDPLAN_RUNTIME set. In FOLDER, ``ran`` notes
all that was begun; a piece of work ends when ``go-<piece>`` is there.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import uvicorn

from groundplan.controlplane.app import make_app
from groundplan.controlplane.context import Platform
from groundplan.controlplane.db.engine import make_engine
from groundplan_runtime.config import Runtime
from tests.runtime.controlplane.doubles import MemoryFeast, MemoryMlflow, MemoryObjects, MemoryServe, MemorySingles


class Folder:
    """What survives the process."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def work(self, piece: str) -> None:
        """Note that a piece of work began, and wait for its end."""
        with (self.path / "ran").open("a") as file:
            file.write(f"{piece}\n")
        while not (self.path / f"go-{piece}").exists():
            time.sleep(0.02)


class FileObjects(MemoryObjects):
    """The object store, in files."""

    def __init__(self, folder: Folder) -> None:
        super().__init__()
        self.folder = folder

    def _file(self, uri: str) -> Path:
        return self.folder.path / sha256(uri.encode()).hexdigest()

    def put(self, key: str, data: bytes) -> str:
        uri = f"s3://groundplan/{key}"
        self._file(uri).write_bytes(data)
        return uri

    def get(self, uri: str) -> bytes:
        if not self.exists(uri):
            raise KeyError(uri)
        return self._file(uri).read_bytes()

    def exists(self, uri: str) -> bool:
        return self._file(uri).exists()

    def delete(self, uri: str) -> None:
        self._file(uri).unlink(missing_ok=True)


class SlowJobs:
    """Jobs that wait for their file."""

    def __init__(self, folder: Folder, objects: FileObjects) -> None:
        self.folder, self.objects = folder, objects

    def run(self, submission_id: str, document: Mapping[str, Any], on_line: Callable[[str], None]) -> None:
        self.folder.work(str(document["job"]))
        for uri, data in (
            (document["output_uri"], b"PAR1"),
            (document["result_uri"], json.dumps({"rows": 3}).encode()),
        ):
            self.objects.put(uri.removeprefix("s3://groundplan/"), data)


class SlowFeast(MemoryFeast):
    """A registry that waits for its file."""

    def __init__(self, folder: Folder) -> None:
        super().__init__()
        self.folder = folder

    def apply_feature_view(self, project: str, name: str, properties: Mapping[str, Any], **more: Any) -> None:
        self.folder.work("apply")
        super().apply_feature_view(project, name, properties, **more)


def main() -> None:
    """Serve at the runtime's endpoint."""
    folder, runtime = Folder(Path(sys.argv[1])), Runtime.load()
    runtime.apply_environment()
    objects = FileObjects(folder)
    parts: Any = (objects, SlowFeast(folder), MemoryMlflow(), SlowJobs(folder, objects), MemoryServe(), MemorySingles())
    host, port = runtime.endpoint("controlplane").removeprefix("http://").rsplit(":", 1)
    uvicorn.run(make_app(Platform(runtime, make_engine(runtime), *parts)), host=host, port=int(port), log_level="error")


if __name__ == "__main__":
    main()
