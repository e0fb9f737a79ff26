"""(d) The same four tiers on plain Ray Serve: ``python ray_tiers.py PORT frames|arrays``. Flags come by environment."""

import signal
import sys
import threading
from typing import Any

import ray
from fastapi import FastAPI
from pair import ArrayModel, ArrayPreprocessor, Features, FrameModel, FramePreprocessor
from pydantic import BaseModel
from ray import serve

TIER = {"num_replicas": 1, "ray_actor_options": {"num_cpus": 0.1}, "max_ongoing_requests": 32}
app = FastAPI()


class Request(BaseModel):
    """A batch of entities."""

    entities: list[dict[str, Any]]


@serve.deployment(**TIER)
class FeatureTier:
    """Reads from Feast."""

    def __init__(self, way: str) -> None:
        self._features, self._way = Features(), way

    async def fetch(self, entities: list[dict[str, Any]]) -> Any:
        """Return the features in this way's form."""
        if self._way == "frames":
            return self._features.frame(entities)
        return await self._features.columns(entities)


@serve.deployment(**TIER)
class PreprocessingTier:
    """Holds the preprocessor."""

    def __init__(self, way: str) -> None:
        self._half = FramePreprocessor() if way == "frames" else ArrayPreprocessor()

    async def transform(self, features: Any) -> Any:
        """Return the matrix."""
        return self._half.transform(features)


@serve.deployment(**TIER)
class ModelTier:
    """Holds the model."""

    def __init__(self, way: str) -> None:
        self._half = FrameModel() if way == "frames" else ArrayModel()

    async def predict(self, matrix: Any) -> list[float]:
        """Return a prediction a row."""
        return self._half.predict(matrix)


@serve.deployment(**TIER | {"max_ongoing_requests": 256})
@serve.ingress(app)
class API:
    """Leads a request through the tiers."""

    def __init__(self, features: Any, preprocessing: Any, model: Any) -> None:
        self._features, self._preprocessing, self._model = features, preprocessing, model

    @app.post("/predict")
    async def predict(self, request: Request) -> dict[str, Any]:
        """Return a prediction an entity."""
        features = await self._features.fetch.remote(request.entities)
        matrix = await self._preprocessing.transform.remote(features)
        return {"predictions": await self._model.predict.remote(matrix)}


def main(port: int, way: str) -> None:
    """Serve until told to stop."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    size = {"num_cpus": 2, "object_store_memory": 256 * 2**20}
    # A cluster of its own, whatever else of Ray runs on this machine.
    ray.init("local", **size, include_dashboard=False, _node_ip_address="127.0.0.1", log_to_driver=False)
    serve.start(http_options={"host": "127.0.0.1", "port": port})
    tiers = FeatureTier.bind(way), PreprocessingTier.bind(way), ModelTier.bind(way)
    serve.run(API.bind(*tiers), name="delay", route_prefix="/")
    stop.wait()
    serve.shutdown()
    ray.shutdown()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
