"""The tiers behind the door: features, preprocessing, model. Each answers for exactly the version asked for.

Protocol: ``docs/adr/0004-the-pair-and-who-owns-it.md``. A tier never sees an alias; a version that it does not hold
is an error, never another version. The same classes work as Ray Serve deployments and inside one process.
"""

import asyncio
import time
from typing import Any, Literal

from groundplan_runtime.block import Block
from groundplan_runtime.config import Runtime
from groundplan_runtime.online import OnlineReader
from groundplan_runtime.pairs import load_model, load_preprocessor
from groundplan_serving.config import Args, HoldConfig, PairUris, ReadConfig
from groundplan_serving.errors import Fault, unavailable
from groundplan_serving.load import Load

#: Cells (rows x columns) up to which work is done on the event loop: a thread costs more than the work.
INLINE = 20_000


class FeastService:
    """Reads the features of a request's entities from the online store: all views and entities in one round trip."""

    def __init__(self, args: dict[str, Any], reader: Any = None) -> None:
        named = Args.model_validate(args)
        self._reader = reader or OnlineReader(Runtime.load(), named.project)
        self._features: dict[str, Any] = {}
        self._timeout_s = ReadConfig().timeout_s
        self._load = Load()

    def reconfigure(self, user_config: dict[str, Any]) -> None:
        """Take over the features of each version."""
        wanted = ReadConfig.model_validate(user_config)
        self._features = {version: each.model_dump() for version, each in wanted.features.items()}
        self._timeout_s = wanted.timeout_s

    async def fetch(self, version: int, entities: list[dict[str, Any]]) -> Block | Fault:
        """Return the features that ``version`` was trained on, a row an entity; NaN in ``times`` for unknown ones."""
        features = self._features.get(str(version))
        if features is None:
            return _not_held(self, version, self._features)
        begun = time.perf_counter()
        try:
            block: Block = await asyncio.wait_for(self._reader.read(features, entities), self._timeout_s)
        except (OSError, TimeoutError) as error:
            return unavailable(type(self).__name__, f"cannot read the online store: {_word(error)}")
        self._load.took("query_ms", (time.perf_counter() - begun) * 1000)
        return block

    async def record_autoscaling_stats(self) -> dict[str, float]:
        """Return what Serve scales by: milliseconds a query takes, CPU percent."""
        return self._load.stats()

    async def ready(self) -> bool:
        """Answer, so that whoever asks has found the way here."""
        return True


class _Half:
    """Holds one half of some pair versions, and swaps them without a stall."""

    half: Literal["preprocessor", "model"]

    def __init__(self) -> None:
        Runtime.load().apply_environment()
        self._held: dict[str, Any] = {}
        self._uris: dict[str, str] = {}
        self._load = Load()
        #: Version → when (of the event loop's clock) it may go.
        self._leaving: dict[str, float] = {}

    async def reconfigure(self, user_config: dict[str, Any]) -> None:
        """Load the versions that are new, off the event loop; let go of those not named once they are drained."""
        wanted = HoldConfig.model_validate(user_config)
        for version, uris in wanted.versions.items():
            uri = getattr(uris, self.half)
            if self._uris.get(version) != uri:
                self._held[version] = await asyncio.to_thread(self._loaded, uris)
                self._uris[version] = uri
        loop = asyncio.get_running_loop()
        leaving = set(self._held) - set(wanted.versions)
        until = loop.time() + wanted.drain_s
        self._leaving = {version: self._leaving.get(version, until) for version in leaving}
        if leaving:
            loop.call_later(wanted.drain_s, self._let_go)

    def _loaded(self, uris: PairUris) -> Any:
        return load_preprocessor(uris.preprocessor) if self.half == "preprocessor" else load_model(uris.model)

    def _let_go(self) -> None:
        now = asyncio.get_running_loop().time()
        for version in [version for version, until in self._leaving.items() if until <= now]:
            del self._held[version], self._uris[version], self._leaving[version]

    def _of(self, version: int) -> Any:
        """Return the half of exactly this version, or the :class:`Fault` that it is not here."""
        return self._held.get(str(version)) or _not_held(self, version, self._held)

    async def record_autoscaling_stats(self) -> dict[str, float]:
        """Return what Serve scales by: CPU percent, and GPU percent where there is one."""
        return self._load.stats()

    async def ready(self) -> bool:
        """Answer, so that whoever asks has found the way here."""
        return True


class PreprocessingService(_Half):
    """Applies the preprocessor of the pinned version."""

    half = "preprocessor"

    async def transform(self, version: int, block: Block) -> tuple[int, Any] | Fault:
        """Return the version that did the work, and the matrix: float64, a row an entity."""
        half = self._of(version)
        if isinstance(half, Fault):
            return half
        return version, await _apply(half.transform, block, block.rows * max(1, len(block.names)))


class ModelService(_Half):
    """Applies the model of the pinned version."""

    half = "model"

    async def predict(self, version: int, matrix: Any) -> tuple[int, Any] | Fault:
        """Return the version that did the work, and a prediction a row: float64, in the target's unit."""
        half = self._of(version)
        if isinstance(half, Fault):
            return half
        return version, await _apply(half.predict, matrix, matrix.size)


async def _apply(work: Any, given: Any, cells: int) -> Any:
    return work(given) if cells <= INLINE else await asyncio.to_thread(work, given)


def _not_held(tier: Any, version: int, held: Any) -> Fault:
    return unavailable(type(tier).__name__, f"does not hold version {version}, only {sorted(held, key=int)}")


def _word(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
