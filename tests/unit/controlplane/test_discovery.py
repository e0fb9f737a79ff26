"""What `/services` says of a service: how it is, and that one which is not there yet need not be."""

from pathlib import Path

import pytest

from groundplan.cli._through import standing
from groundplan.controlplane import discovery
from groundplan.controlplane.adapters import templates
from groundplan.controlplane.api.services import unborn
from groundplan.controlplane.store import Resource
from groundplan_runtime.config import Runtime

NOBODY = "http://127.0.0.1:9"


def application(status: str) -> Resource:
    return Resource("flights", "serving_application", "delay", "d", "d", {}, {}, status=status)


def test_what_is_not_there_yet_is_not_called_down(tmp_path: Path) -> None:
    endpoints = dict.fromkeys(("gateway", "mlflow", "ray", "serve"), NOBODY)
    runtime = Runtime("s", "i", tmp_path, "b", tmp_path, endpoints)

    def health(*names: str) -> dict[str, str]:
        return {each["name"]: each["health"] for each in discovery.services(runtime, names)}

    assert health() == {"mlflow": "down", "ray": "down", "serve": "down"}
    assert health("ray", "serve") == {"mlflow": "down", "ray": "none yet", "serve": "none yet"}
    told = standing({"services": discovery.services(runtime, ("ray",))})
    assert {each["name"]: each["up"] for each in told} == {"mlflow": False, "ray": True, "serve": False}


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [((), True), (("waiting",), True), (("waiting", "pending"), False), (("failed",), False), (("ready",), False)],
)
def test_ray_comes_with_the_first_application_in_a_cluster(
    statuses: tuple[str, ...], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    declared = [application(status) for status in statuses]
    monkeypatch.delenv(templates.VARIABLE, raising=False)
    assert unborn(declared) == frozenset()
    monkeypatch.setenv(templates.VARIABLE, "/run/templates")
    assert (unborn(declared) == {"ray", "serve"}) == expected
