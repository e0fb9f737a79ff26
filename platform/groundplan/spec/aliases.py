"""What an alias is called in MLflow, which keeps the names ``latest`` and ``v<number>`` for itself."""

import re

RESERVED = re.compile(r"latest|v[0-9]+", re.IGNORECASE)


def mirrored(alias: str) -> str:
    """Return what MLflow calls an alias: ``latest_pair`` for ``latest``, ``v3_pair`` for ``v3``, else the same name."""
    return f"{alias}_pair" if RESERVED.fullmatch(alias) else alias
