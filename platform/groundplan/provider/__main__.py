"""``python -m groundplan.provider <engine address>``: what the plugin executable runs."""

import sys

from groundplan.provider.registry import handlers
from groundplan.provider.server import serve

if __name__ == "__main__":
    serve(handlers(), sys.argv[1:])
