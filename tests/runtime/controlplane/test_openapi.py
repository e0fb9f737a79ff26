"""What the OpenAPI document allows, by the hundred: nothing is answered 5xx."""

from typing import Any

import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.core import NOT_SET

from tests.runtime.controlplane.conftest import Plane

#: Waits, on purpose, for as long as it is asked to.
ELSEWHERE = "/v1/operations/{operation}"
EXAMPLES = 20


def test_no_request_is_the_control_plane_s_own_failure(plane: Plane) -> None:
    app: Any = plane.http.app
    schema = schemathesis.openapi.from_dict(app.openapi())
    operations = [found.ok() for found in schema.get_all_operations() if found.ok().path != ELSEWHERE]
    assert len(operations) > 15
    for operation in operations:
        _ask(plane, operation)


def _ask(plane: Plane, operation: Any) -> None:
    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy())
    def ask(case: Any) -> None:
        body = {} if case.body is NOT_SET else {"json": case.body}
        answer = plane.http.request(case.method, case.formatted_path, params=dict(case.query or {}), **body)
        assert answer.status_code < 500, f"{case.method} {case.formatted_path} {body}: {answer.text}"

    ask()
