"""Stand-ins for the services behind the control plane, in memory: its own rules are tested against a real database.

The adapters to the real services have tests of their own, and the end-to-end tier uses only real ones.
"""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from threading import Event
from typing import Any

from groundplan.controlplane.adapters.jobs import JobFailed
from groundplan.controlplane.adapters.mlflow import Half
from groundplan.controlplane.rules.serve_config import live_of
from groundplan_runtime import prediction_files


class MemoryObjects:
    """The object store."""

    def __init__(self) -> None:
        self.data: dict[str, bytes] = {}
        self.locked: dict[str, datetime] = {}

    def keep(self, key: str, data: bytes) -> None:
        self.locked.setdefault(key, datetime.now(UTC))

    def kept(self, prefix: str) -> list[tuple[str, datetime]]:
        return sorted((key, at) for key, at in self.locked.items() if key.startswith(prefix))

    def put(self, key: str, data: bytes) -> str:
        self.data[f"s3://groundplan/{key}"] = data
        return f"s3://groundplan/{key}"

    def get(self, uri: str) -> bytes:
        return self.data[uri]

    def exists(self, uri: str) -> bool:
        return uri in self.data

    def rows_logged(self, project: str, application: str, hours: Sequence[datetime]) -> list[int]:
        log = prediction_files.folder("groundplan", project, application)
        folders = [f"{log}/date={hour:%Y-%m-%d}/hour={hour:%H}/" for hour in hours]
        return [sum(prediction_files.rows_in(u) for u in self.data if u.startswith(each)) for each in folders]

    def delete(self, uri: str) -> None:
        self.data.pop(uri, None)

    def delete_prefix(self, prefix: str) -> None:
        self.data = {uri: data for uri, data in self.data.items() if not uri.startswith(f"s3://groundplan/{prefix}")}


class MemoryFeast:
    """Feast's registry and online store."""

    def __init__(self) -> None:
        self.registry: dict[tuple[str, str, str], dict[str, Any]] = {}

    def apply_entity(self, project: str, name: str, properties: Mapping[str, Any]) -> None:
        self.registry[project, "entity", name] = dict(properties)

    def apply_feature_view(self, project: str, name: str, properties: Mapping[str, Any], **_: Any) -> None:
        self.registry[project, "feature_view", name] = dict(properties)

    def apply_feature_service(self, project: str, name: str, properties: Mapping[str, Any]) -> None:
        self.registry[project, "feature_service", name] = dict(properties)

    def observe(self, project: str, kind: str, name: str, like: Mapping[str, Any]) -> dict[str, Any] | None:
        return self.registry.get((project, kind, name))

    def delete(self, project: str, kind: str, name: str) -> None:
        self.registry.pop((project, kind, name), None)

    def drop_online(self, project: str, view: str) -> None: ...

    def snapshot(self, project: str) -> bytes:
        return b""

    def has_online_rows(self, project: str, view: str) -> bool:
        return True


class MemoryMlflow:
    """MLflow's registry: numbers by model, and the two halves of each alias."""

    def __init__(self) -> None:
        self.digests: dict[str, list[str]] = {}
        self.gone: set[tuple[str, int]] = set()
        self.aliases: dict[tuple[str, str], tuple[int, int]] = {}

    def register_pair(
        self, model: str, digest: str, preprocessor: Half, model_half: Half, taken: Collection[int] = ()
    ) -> int:
        known = self.digests.setdefault(model, [])
        mine = [n for n, made in enumerate(known, 1) if made == digest and (model, n) not in self.gone]
        if not mine:
            known.append(digest)
        return mine[-1] if mine else len(known)

    def commit_pair(self, model: str, version: int) -> None: ...

    def has_pair(self, model: str, version: int, digest: str | None = None) -> bool:
        return (model, version) not in self.gone

    def set_alias(self, model: str, alias: str, version: int) -> None:
        self.aliases[model, alias] = (version, version)

    def delete_alias(self, model: str, alias: str) -> None:
        self.aliases.pop((model, alias), None)

    def observe_alias(self, model: str, alias: str) -> tuple[int | None, int | None]:
        return self.aliases.get((model, alias), (None, None))

    def source_uris(self, model: str, version: int) -> dict[str, str]:
        return {half: f"models:/{model}_{half}/{version}" for half in ("preprocessor", "model")}


class MemoryJobs:
    """Jobs on Ray: each writes the result that the test has set, and may be held up."""

    def __init__(self, objects: MemoryObjects) -> None:
        self.objects = objects
        self.ran: list[str] = []
        self.metrics: dict[str, float] = {"mae": 10.0, "baseline_mae": 12.0}
        #: What a training logged.
        self.half: dict[str, str | None] = {"model_uri": "models:/m-1", "model_id": "m-1", "run_id": "r"}
        #: What an evaluation finds: the scores of both, and the candidate's answer to every request.
        self.scores: dict[str, dict[str, float]] = {}
        self.answer: object = [1.0]
        self.documents: list[Mapping[str, Any]] = []
        self.mistake: dict[str, str] | None = None
        #: Job → what its result holds beside the rest.
        self.more: dict[str, dict[str, Any]] = {}
        self.stopped: list[str] = []
        self.go = Event()
        self.go.set()

    def stop(self, submission_id: str) -> None:
        self.stopped.append(submission_id)

    def run(
        self, submission_id: str, document: Mapping[str, Any], on_line: Callable[[str], None], cpus: float = 1
    ) -> None:
        self.ran.append(f"{document['job']} {document['name']}")
        self.documents.append(document)
        on_line(f"{document['name']}: at work")
        while not self.go.wait(0.02):
            if submission_id in self.stopped:
                raise JobFailed("stopped")
        result: dict[str, Any] = {"rows": 3}
        if document["job"] == "train":
            result |= {"preprocessor": self.half, "model": self.half, "run_id": "r", "metrics": dict(self.metrics)}
        if document["job"] == "evaluate":
            result = {"scores": self.scores or None, "answers": [self.answer for _ in document["requests"]]}
        result |= self.more.get(document["job"], {})
        if document.get("output_uri"):
            self.objects.data[document["output_uri"]] = b"PAR1"
        if self.mistake:
            result = {"error": self.mistake}
        self.objects.data[document["result_uri"]] = json.dumps(result).encode()
        if self.mistake:
            raise JobFailed("the job failed")


class MemoryServe:
    """Ray Serve: what was put is what runs, and every put is remembered."""

    def __init__(self) -> None:
        self.running: dict[str, dict[str, Any]] = {}
        self.puts: list[tuple[str, list[int], dict[str, int]]] = []

    def session(self) -> str:
        return "one"

    def renew(self) -> None: ...

    def applications(self) -> dict[str, dict[str, Any]]:
        return {
            name: {"status": "RUNNING", "message": "", "config": config, "deployments": {}}
            for name, config in self.running.items()
        }

    def observe(self, application: str) -> dict[str, Any] | None:
        return self.applications().get(application)

    def put(self, *configs: dict[str, Any], instead: Sequence[str] = ()) -> None:
        for name in instead:
            self.running.pop(name, None)
        for config in configs:
            self.running[config["name"]] = config
        live = live_of(configs[0])
        assert live is not None
        self.puts.append((configs[0]["name"], sorted(map(int, live["halves"]["versions"])), live["door"]["aliases"]))

    def delete(self, application: str) -> None:
        self.running.pop(application, None)

    def wait_running(
        self,
        application: str,
        deadline_s: float,
        on_line: Callable[[str], None],
        cancelled: Callable[[], bool] = lambda: False,
    ) -> None: ...


class MemorySingles:
    """Applications that are one process."""

    def __init__(self) -> None:
        self.told: dict[str, dict[str, Any]] = {}

    def observe(self, project: str, name: str) -> dict[str, Any] | None:
        return self.told.get(f"{project}/{name}") or None

    def has_forgotten(self, project: str, name: str) -> bool:
        return self.told.get(f"{project}/{name}") == {}

    def put(self, project: str, name: str, told: dict[str, Any]) -> None:
        self.told[f"{project}/{name}"] = told

    def endpoint(self, project: str, name: str) -> str:
        return f"http://127.0.0.1:1/{project}/{name}"
