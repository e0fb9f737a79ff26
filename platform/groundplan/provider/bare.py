"""The engine's protocol without the SDK around it: half of the plugin's start would be importing what it never uses."""

import sys
from importlib.machinery import PathFinder
from types import ModuleType


def without_httpx_program() -> None:
    """Let ``httpx`` be imported without its command line (click, rich, pygments): a fifth of the plugin's start."""
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # how Python says: not to be imported


def without_sdk() -> None:
    """Let ``pulumi.runtime.proto`` be found without running ``pulumi``'s own imports. For the plugin's process only.

    Nothing in the plugin uses more of ``pulumi`` than its generated messages; what did would fail at once.
    """
    path = None
    for name in ("pulumi", "pulumi.runtime"):
        spec = PathFinder.find_spec(name, path)
        if name in sys.modules or spec is None or spec.submodule_search_locations is None:
            return
        path = list(spec.submodule_search_locations)
        package = ModuleType(name)
        package.__path__ = path
        sys.modules[name] = package
