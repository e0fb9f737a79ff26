"""Starts Ray Serve on the local head: its proxy's address is settled now, before the first application."""

import sys

HOST = "127.0.0.1"


def start(gcs_port: int, serve_port: int) -> None:
    """Start Serve's controller and proxy unless they run."""
    import ray
    from ray import serve
    from ray.serve.config import HTTPOptions

    ray.init(address=f"{HOST}:{gcs_port}", namespace="serve", log_to_driver=False)
    serve.start(proxy_location="HeadOnly", http_options=HTTPOptions(host=HOST, port=serve_port))


if __name__ == "__main__":
    found = dict(word.split("=", 1) for word in sys.argv[1:])
    start(int(found["ray_gcs"]), int(found["serve"]))
