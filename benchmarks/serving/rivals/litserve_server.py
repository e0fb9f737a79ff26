"""(c) LitServe: one API with one worker, as in its quickstart. ``python litserve_server.py PORT``."""

import sys
from typing import Any

import litserve
from pair import Chain


class Delay(litserve.LitAPI):
    """Entities in, predictions out."""

    def setup(self, device: str) -> None:
        """Load everything once, in the worker."""
        self._chain = Chain()

    def decode_request(self, request: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the entities."""
        return request["entities"]

    def predict(self, entities: list[dict[str, Any]]) -> list[float]:
        """Return a prediction an entity."""
        return self._chain.predict(entities)

    def encode_response(self, output: list[float]) -> dict[str, Any]:
        """Return the body."""
        return {"predictions": output}


if __name__ == "__main__":
    server = litserve.LitServer(Delay(), accelerator="cpu", workers_per_device=1)
    server.run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="warning")
