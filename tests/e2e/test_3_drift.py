"""What changed behind our back: seen by ``preview``, healed by a plain ``up``."""

import time
from collections.abc import Callable

import httpx
import psutil
import pytest

from tests.support.clone import Clone

DEADLINE = 120


def eventually(check: Callable[[], bool], what: str) -> None:
    """Poll until ``check`` is true or fail after the deadline."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        if check():
            return
        time.sleep(0.25)
    pytest.fail(f"not within {DEADLINE} s: {what}")


def listener(clone: Clone, offset: int) -> psutil.Process | None:
    """The process of the clone that listens at ``port_base + offset``."""
    port = clone.port_base + offset
    for process in clone.processes():
        try:
            found = any(c.laddr.port == port and c.status == "LISTEN" for c in process.net_connections("inet"))
        except psutil.NoSuchProcess:
            continue
        if found:
            return process
    return None


def heal(clone: Clone) -> None:
    """A plain ``up`` heals, and then there is nothing more to do; a prediction still works."""
    clone.pulumi("up", "-s", "local", "--yes")
    assert clone.steps() == {}
    assert clone.predict([{"origin": "JFK", "carrier": "AA"}]).status_code == 200


def test_a_killed_service_is_restarted_by_its_supervisor(clone: Clone) -> None:
    victim = listener(clone, 3)
    assert victim is not None
    victim.kill()
    eventually(lambda: (p := listener(clone, 3)) is not None and p.pid != victim.pid, "mlflow listens again")


def test_a_feature_view_edited_by_hand(clone: Clone) -> None:
    clone.runtime(
        "from datetime import timedelta; from feast import FeatureStore\n"
        "from groundplan_runtime.config import Runtime; from groundplan_runtime.feast_repo import repo_config\n"
        "r = Runtime.load(); r.apply_environment(); s = FeatureStore(config=repo_config(r, 'flights'))\n"
        "v = s.get_feature_view('origin_weather'); v.ttl = timedelta(hours=99); s.apply([v])"
    )
    assert clone.steps() == {"FeatureView flights/feature_view/origin_weather": "update"}
    heal(clone)


def test_an_alias_moved_by_hand_in_mlflow(clone: Clone) -> None:
    clone.runtime(
        "from groundplan_runtime.config import Runtime; r = Runtime.load(); r.apply_environment()\n"
        "from mlflow import MlflowClient\n"
        "MlflowClient().set_registered_model_alias('flights_delay_model', 'production', '2')"
    )
    assert clone.steps() == {"Alias flights/alias/delay@production": "update"}
    heal(clone)


def test_a_deleted_serving_application(clone: Clone) -> None:
    outputs = clone.outputs()
    token = (clone.path / ".groundplan/local/secrets/ray-token").read_text().strip()
    url = f"{outputs['endpoints']['ray']}/api/serve/applications/"
    nothing = {
        "proxy_location": "HeadOnly",
        "http_options": {"host": "127.0.0.1", "port": clone.port_base + 6},
        "applications": [],
    }
    httpx.put(url, json=nothing, headers={"Authorization": f"Bearer {token}"}, timeout=120).raise_for_status()
    steps = clone.steps()
    assert [title.split()[0] for title in steps] == ["ServingApplication"]
    heal(clone)


def test_everything_down_after_a_reboot(clone: Clone) -> None:
    processes = clone.processes()
    for process in processes:
        process.kill()
    psutil.wait_procs(processes, timeout=30)
    preview = clone.pulumi("preview", "-s", "local")
    assert "could not look" in preview.stdout + preview.stderr
    heal(clone)
    assert not [p for p in clone.processes() if p.status() == psutil.STATUS_ZOMBIE]
