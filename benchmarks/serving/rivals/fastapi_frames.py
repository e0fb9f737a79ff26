"""(e) A process written by hand: FastAPI, Feast, the pair as MLflow gives it. ``uvicorn fastapi_frames:app``."""

from typing import Any

from fastapi import FastAPI
from pair import Chain
from pydantic import BaseModel

app = FastAPI()
chain = Chain()


class Request(BaseModel):
    """A batch of entities."""

    entities: list[dict[str, Any]]


@app.post("/predict")
def predict(request: Request) -> dict[str, Any]:
    """Return a prediction an entity; in a thread, since Feast's plain read blocks."""
    return {"predictions": chain.predict(request.entities)}
