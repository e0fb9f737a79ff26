"""Fake programs and a cache of its own for each test: no process but those, no network."""

from collections.abc import Callable
from pathlib import Path

import pytest

Fake = Callable[..., Path]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("GROUNDPLAN_CACHE", str(folder))
    return folder


@pytest.fixture
def fake() -> Fake:
    """Make an executable at a path, from lines of shell."""

    def make(path: Path, script: str = "exit 0") -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    return make
