"""``python -m groundplan.provider <engine address>``: what the plugin executable runs."""

import sys

from groundplan.provider.bare import without_httpx_program, without_sdk

# Before anything imports it: the engine starts us up to four times in one `up`.
without_sdk()
without_httpx_program()

from groundplan.provider.registry import handlers  # noqa: E402
from groundplan.provider.server import serve  # noqa: E402

if __name__ == "__main__":
    serve(handlers(), sys.argv[1:])
