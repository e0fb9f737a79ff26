"""The tool chain: what deploying needs, found or got into a cache outside the checkout (docs/toolchain.md)."""

from groundplan.tools.pulumi import engine_home, ensure_pulumi
from groundplan.tools.runtime import ensure_runtime

__all__ = ["engine_home", "ensure_pulumi", "ensure_runtime"]
