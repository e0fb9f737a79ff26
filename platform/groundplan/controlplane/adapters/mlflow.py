"""MLflow's registry: both halves of a pair under one number, and the aliases that mirror ours.

MLflow keeps the alias names ``latest`` and ``v<number>`` for itself: ours are mirrored as ``latest_pair``, ``v3_pair``.
"""

import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from groundplan.controlplane.rules.pairing import lagging
from groundplan.spec import mirrored
from groundplan_runtime.config import Runtime

HALVES = ("preprocessor", "model")
DIGEST, STATE = "groundplan.digest", "groundplan.state"
#: Rounds of padding: more mean that somebody else registers versions as fast as we do.
ROUNDS = 50


@dataclass(frozen=True)
class Half:
    """One half as the training logged it."""

    model_uri: str
    model_id: str | None
    run_id: str


class MlflowAdapter:
    """MLflow's registry. Whoever registers a pair holds a lock on its model."""

    def __init__(self, runtime: Runtime) -> None:
        self._uri = runtime.endpoint("mlflow")
        self._made: Any = None
        self._making = threading.Lock()

    @property
    def _client(self) -> Any:
        with self._making:
            if self._made is None:
                from mlflow import MlflowClient

                self._made = MlflowClient(tracking_uri=self._uri, registry_uri=self._uri)
            return self._made

    def experiment(self, name: str) -> str:
        """Return the id of an experiment, made when it is not there."""
        from mlflow.exceptions import MlflowException

        found = self._client.get_experiment_by_name(name)
        if found is None:
            try:
                return str(self._client.create_experiment(name))
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
            found = self._client.get_experiment_by_name(name)  # somebody else was faster
        return str(found.experiment_id)

    def register_pair(
        self, model: str, digest: str, preprocessor: Half, model_half: Half, taken: Collection[int] = ()
    ) -> int:
        """Register both halves under one number, and return it. Calling it again after a crash finishes the work.

        MLflow numbers each model by itself: max + 1, counting deleted versions that searches hide, and from 1 again
        when somebody deleted the whole model. So the number that came back is looked at, and the half that lags is
        padded with void versions until both agree on one that is not ``taken`` by another pair.
        """
        halves = {f"{model}_preprocessor": preprocessor, f"{model}_model": model_half}
        for name in halves:
            self._ensure(name)
        made = {name: self._version(name, digest) or self._create(name, half, digest) for name, half in halves.items()}
        for _ in range(ROUNDS):
            lag = lagging(made, taken)
            if lag is None:
                return made[f"{model}_model"]
            self._void(lag.half, lag.version)
            made[lag.half] = self._catch_up(lag.half, halves[lag.half], digest, lag.target)
        raise RuntimeError(f"the halves of {model} could not be brought to one number: {made}")

    def commit_pair(self, model: str, version: int) -> None:
        """Mark both halves as a whole pair."""
        for half in HALVES:
            self._client.set_model_version_tag(f"{model}_{half}", str(version), STATE, "committed")

    def pair_of(self, model: str, digest: str, run_id: str) -> int | None:
        """Return the number of the whole and committed pair that a run logged for a digest; None where none is.

        By the run too: a registry that was made anew may have trained the digest again.
        """
        halves = [self._committed(f"{model}_{half}", digest, run_id) for half in HALVES]
        return max(set.intersection(*halves), default=None)

    def has_pair(self, model: str, version: int, digest: str | None = None) -> bool:
        """Whether both halves of a version are there, belong together, and (where it is given) were made by ``digest``.

        A half that a hand put in the place of ours carries no digest, or another one.
        """
        found = [self._tags(f"{model}_{half}", version) for half in HALVES]
        made = {None if tags.get(STATE) == "void" else tags.get(DIGEST) for tags in found}
        return len(made) == 1 and None not in made and digest in (None, *made)

    def fetch(self, name: str, version: int, folder: Path) -> Path:
        """Write what was logged of one half, by its registered name and number, into a folder; return where."""
        from mlflow.artifacts import download_artifacts

        to = {"dst_path": str(folder), "tracking_uri": self._uri, "registry_uri": self._uri}
        return Path(download_artifacts(artifact_uri=f"models:/{name}/{version}", **to))

    def run_of(self, run_id: str) -> dict[str, Any]:
        """Return what a run wrote down: parameters, metrics, tags that are not MLflow's own; nothing of one gone."""
        found = self._found(partial(self._client.get_run, run_id))
        if found is None:
            return {"params": {}, "metrics": {}, "tags": {}}
        tags = {key: value for key, value in found.data.tags.items() if not key.startswith("mlflow.")}
        return {"params": dict(found.data.params), "metrics": dict(found.data.metrics), "tags": tags}

    def new_run(self, experiment: str, name: str, tags: Mapping[str, str], told: Mapping[str, Any]) -> str:
        """Write down a run of elsewhere (``told``: as :meth:`run_of` returned it) as ended; return its id here."""
        from mlflow.entities import Metric, Param

        run = self._client.create_run(self.experiment(experiment), tags=dict(tags), run_name=name)
        now = int(time.time() * 1000)
        metrics = [Metric(key, float(value), now, 0) for key, value in told["metrics"].items()]
        params = [Param(key, str(value)) for key, value in told["params"].items()]
        self._client.log_batch(run.info.run_id, metrics=metrics, params=params)
        self._client.set_terminated(run.info.run_id)
        return str(run.info.run_id)

    def log_half(self, experiment: str, run_id: str, name: str, folder: Path) -> Half:
        """Log a half whose files lie in a folder, as they are."""
        made = self._client.create_logged_model(self.experiment(experiment), name, run_id)
        self._client.log_model_artifacts(made.model_id, str(folder))
        self._client.finalize_logged_model(made.model_id, "READY")
        return Half(model_uri=f"models:/{made.model_id}", model_id=made.model_id, run_id=run_id)

    def set_alias(self, model: str, alias: str, version: int) -> None:
        """Let the alias of both halves point to ``version``."""
        for half in HALVES:
            self._client.set_registered_model_alias(f"{model}_{half}", mirrored(alias), str(version))

    def delete_alias(self, model: str, alias: str) -> None:
        """Take the alias from both halves; where it is not, nothing happens."""
        for half in HALVES:
            self._found(partial(self._client.delete_registered_model_alias, f"{model}_{half}", mirrored(alias)))

    def observe_alias(self, model: str, alias: str) -> tuple[int | None, int | None]:
        """Return the version that each half's alias points to: (preprocessor, model)."""
        preprocessor, half = (self._pointed(f"{model}_{half}", mirrored(alias)) for half in HALVES)
        return preprocessor, half

    def source_uris(self, model: str, version: int) -> dict[str, str]:
        """Return what serving loads: both halves by number, never by alias."""
        return {half: f"models:/{model}_{half}/{version}" for half in HALVES}

    def delete_models(self, model: str) -> None:
        """Delete both registered models with all their versions."""
        for half in HALVES:
            self._found(partial(self._client.delete_registered_model, f"{model}_{half}"))

    def _ensure(self, name: str) -> None:
        from mlflow.exceptions import MlflowException

        try:
            self._client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise

    def _version(self, name: str, digest: str) -> int | None:
        """Return the version that this digest made and that was not given up."""
        mine = (v for v in self._versions(name) if v.tags.get(DIGEST) == digest and v.tags.get(STATE) != "void")
        return max((int(version.version) for version in mine), default=None)

    def _committed(self, name: str, digest: str, run_id: str) -> set[int]:
        wanted = (digest, "committed", run_id)
        found = self._versions(name)
        return {int(v.version) for v in found if (v.tags.get(DIGEST), v.tags.get(STATE), v.run_id) == wanted}

    def _versions(self, name: str) -> Iterator[Any]:
        page = None
        while page != "":  # MLflow's last page carries an empty token or none
            found = self._client.search_model_versions(f"name = '{name}'", max_results=1000, page_token=page)
            yield from found
            page = found.token or ""

    def _create(self, name: str, half: Half, digest: str) -> int:
        tags = {DIGEST: digest, STATE: "pending"}
        made = self._client.create_model_version(name, half.model_uri, half.run_id, tags=tags, model_id=half.model_id)
        return int(made.version)

    def _catch_up(self, name: str, half: Half, digest: str, target: int) -> int:
        """Make versions until one has the number ``target`` (or more); all but the last are void."""
        version = self._create(name, half, digest)
        while version < target:
            self._void(name, version)
            version = self._create(name, half, digest)
        return version

    def _tags(self, name: str, version: int) -> dict[str, str]:
        found = self._found(partial(self._client.get_model_version, name, str(version)))
        return dict(found.tags) if found is not None else {}

    def _void(self, name: str, version: int) -> None:
        self._client.set_model_version_tag(name, str(version), STATE, "void")

    def _pointed(self, name: str, alias: str) -> int | None:
        model = self._found(lambda: self._client.get_registered_model(name))
        version = model.aliases.get(alias) if model else None
        return int(version) if version is not None else None

    def _found(self, ask: Callable[[], Any]) -> Any:
        """Return what MLflow answers, or None where it says that there is nothing."""
        from mlflow.exceptions import MlflowException

        try:
            return ask()
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise
