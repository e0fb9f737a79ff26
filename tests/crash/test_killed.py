"""Killed anywhere, ``up`` again finishes the work, with no hand: on a new project of its own, in a clone of its own."""

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.support.clone import Clone, make_clone

DEADLINE = 300


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    """A clone with nothing deployed, whose one project ``groundplan new`` made."""
    clone = make_clone(tmp_path_factory.mktemp("crash") / "clone")
    try:
        clone.run("make", ".venv/deploy")
        clone.groundplan("new", "project", "sales")
        clone.declare_only("sales")
        yield clone
    finally:
        clone.stop()
        shutil.rmtree(clone.path, ignore_errors=True)


class Up:
    """An ``up`` that runs beside the test, and what it has said so far."""

    def __init__(self, clone: Clone) -> None:
        command = [str(clone.path / ".venv/bin/groundplan"), "up", "local"]
        self.process = subprocess.Popen(
            command, cwd=clone.path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
        )
        self.said: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        self.said.extend(self.process.stdout)

    def until(self, text: str) -> None:
        """Wait until it has said ``text``."""
        end = time.monotonic() + DEADLINE
        while not any(text in line for line in list(self.said)):
            if time.monotonic() > end or (self.process.poll() is not None and not self._reader.is_alive()):
                pytest.fail(f"it never said {text!r}:\n{''.join(self.said)[-4000:]}")
            time.sleep(0.05)

    def kill(self) -> None:
        """Kill the wrapper and the engine at once; what they started is left behind, as in life."""
        engines = [p for p in psutil.Process(self.process.pid).children(recursive=True) if p.name() == "pulumi"]
        for pid in (self.process.pid, *(p.pid for p in engines)):
            os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def finish(self) -> str:
        """Wait for its end; it must have succeeded."""
        self.process.wait(timeout=DEADLINE)
        self._reader.join(timeout=10)
        said = "".join(self.said)
        assert self.process.returncode == 0, said[-4000:]
        return said


@pytest.mark.parametrize("moment", ["Service mlflow creating", "Model sales/model/sales creating"])
def test_a_killed_up_is_finished_by_the_next(clone: Clone, moment: str) -> None:
    up = Up(clone)
    up.until(moment)
    up.kill()
    assert "prediction of sales/sales" in Up(clone).finish()
    assert clone.steps() == {}
    if "mlflow" in moment:
        clone.run("make", "down", "PURGE=1")


def test_a_control_plane_killed_while_it_trains_goes_on(clone: Clone) -> None:
    clone.edit(_training(clone), r"kind: linear", "kind: linear\n  hyperparameters: {alpha: 2.0}")
    up = Up(clone)
    up.until("Model sales/model/sales updating")
    token = clone.path / ".groundplan/local/secrets/controlplane-token"
    assert token.exists()
    victims = [p for p in clone.processes() if "groundplan.controlplane" in p.cmdline()]
    assert victims
    for victim in victims:
        victim.kill()
    assert "pair version 2" in up.finish()
    assert clone.steps() == {}


def _training(clone: Clone) -> str:
    found = next((clone.path / "projects/sales/training").glob("*.yaml"))
    return str(Path(found).relative_to(clone.path))
