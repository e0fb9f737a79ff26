"""(e') The same by someone who profiled it: Feast's asynchronous read, NumPy, the booster itself, orjson."""

import orjson
from fastapi import FastAPI, Request, Response
from pair import ArrayModel, ArrayPreprocessor, Features

app = FastAPI()
features, preprocessor, model = Features(), ArrayPreprocessor(), ArrayModel()


@app.post("/predict")
async def predict(request: Request) -> Response:
    """Return a prediction an entity."""
    entities = orjson.loads(await request.body())["entities"]
    values = model.predict(preprocessor.transform(await features.columns(entities)))
    return Response(orjson.dumps({"predictions": values}), media_type="application/json")
