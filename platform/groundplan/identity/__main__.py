"""Runs the issuer: ``python -m groundplan.identity identity=<port>``."""

import logging
import sys

import structlog
import uvicorn

from groundplan.identity.app import PREFIX, make_app
from groundplan.identity.db import make_engine
from groundplan.identity.issuer import Issuer
from groundplan.local.launch._site import site


def main() -> int:
    """Serve until told to stop. People reach it through the gateway, by whose address it is known."""
    here = site()
    here.runtime.apply_environment()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
    url = f"{here.runtime.endpoint('gateway')}{PREFIX}"
    issuer = Issuer(url, make_engine(here.runtime), here.runtime.secret("identity-seal"))
    # No access log: addresses hold codes and states.
    uvicorn.run(
        make_app(issuer), host=here.bind, port=here.ports["identity"], log_level="warning", access_log=False,
        timeout_graceful_shutdown=5,
    )  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
