"""Tells the issuer whom the stack declares; argument: the JSON of :mod:`groundplan.identity.declaration`."""

import sys

from groundplan.identity.apply import apply
from groundplan.identity.db import make_engine, migrate
from groundplan.identity.declaration import from_json
from groundplan_runtime.config import Runtime


def main() -> None:
    """Write what differs; the issuer need not start anew."""
    runtime = Runtime.load()
    runtime.apply_environment()
    engine = make_engine(runtime)
    migrate(engine)
    apply(engine, runtime, from_json(sys.argv[1]))


if __name__ == "__main__":
    main()
