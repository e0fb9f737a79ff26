"""What the OpenAPI document allows, and what it does not, by the hundred: nothing is answered 5xx."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings

from tests.runtime.controlplane.conftest import Plane

#: Asks MLflow, Ray or the object store, which this tier has not got, or waits for them.
ELSEWHERE = ("/services", "/v1/operations/{operation}")


@pytest.fixture
def api(plane: Plane) -> Any:
    return schemathesis.openapi.from_asgi("/openapi.json", plane.http.app).exclude(path=list(ELSEWHERE))


schema = schemathesis.pytest.from_fixture("api")


@schema.parametrize()
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_request_is_the_control_plane_s_own_failure(case: Any, plane: Plane) -> None:
    answer = case.call(headers={"Authorization": plane.http.headers["Authorization"]})
    assert answer.status_code < 500, f"{case.method} {case.formatted_path}: {answer.status_code} {answer.text}"
