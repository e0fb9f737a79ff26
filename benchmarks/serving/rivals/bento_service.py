"""(b) BentoML: one service with one worker, as in its quickstart."""

from typing import Any

import bentoml
from pair import Chain


@bentoml.service(workers=1, traffic={"timeout": 30})
class Delay:
    """Entities in, predictions out."""

    def __init__(self) -> None:
        self._chain = Chain()

    @bentoml.api
    def predict(self, entities: list[dict[str, Any]]) -> list[float]:
        """Return a prediction an entity."""
        return self._chain.predict(entities)
