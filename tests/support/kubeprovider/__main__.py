"""``python -m tests.support.kubeprovider <engine address>``: what the executable runs."""

import sys

from groundplan.provider.bare import without_sdk

without_sdk()

from groundplan.messages import allow_deep_messages  # noqa: E402
from groundplan.provider.server import host  # noqa: E402
from tests.support.kubeprovider.servicer import KubernetesServicer  # noqa: E402

if __name__ == "__main__":
    allow_deep_messages()
    host(KubernetesServicer, sys.argv[1:])
