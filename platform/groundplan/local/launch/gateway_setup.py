"""Tells the running gateway what it lets pass: its argument is the JSON of :class:`groundplan.gateway.Settings`."""

import sys

from groundplan.errors import ServiceError
from groundplan.local.launch._gateway import Files, settings_of
from groundplan_runtime.config import Runtime


def main() -> None:
    """Write what differs and wait until Envoy works by it; connections stay. Exits with what Envoy has against it."""
    try:
        trouble = Files(Runtime.load()).declare(settings_of(sys.argv[1]))
    except ServiceError as error:
        sys.exit(str(error))
    if trouble:
        sys.exit(f"the gateway refuses its configuration: {trouble}")


if __name__ == "__main__":
    main()
