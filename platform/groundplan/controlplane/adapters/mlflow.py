"""MLflow's registry: both halves of a pair under one number, and the aliases that mirror ours.

MLflow keeps the alias names ``latest`` and ``v<number>`` for itself: ours are mirrored as ``latest_pair``, ``v3_pair``.
"""

import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
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

    def has_pair(self, model: str, version: int, digest: str | None = None) -> bool:
        """Whether both halves of a version are there, belong together, and (where it is given) were made by ``digest``.

        A half that a hand put in the place of ours carries no digest, or another one.
        """
        found = [self._tags(f"{model}_{half}", version) for half in HALVES]
        made = {None if tags.get(STATE) == "void" else tags.get(DIGEST) for tags in found}
        return len(made) == 1 and None not in made and digest in (None, *made)

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
        mine: list[int] = []
        page = None
        while page != "":  # MLflow's last page carries an empty token or none
            found = self._client.search_model_versions(f"name = '{name}'", max_results=1000, page_token=page)
            mine += [int(v.version) for v in found if v.tags.get(DIGEST) == digest and v.tags.get(STATE) != "void"]
            page = found.token or ""
        return max(mine, default=None)

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
