"""How large a body may be, by route."""

import pytest

from groundplan.controlplane.api.limits import MAX_BODY, MAX_CODE, limit_of


@pytest.mark.parametrize(
    ("path", "limit"),
    [
        ("/v1/projects/p/code/0123456789abcdef", MAX_CODE),
        ("/v1/projects/p/resources/entity/code", MAX_BODY),
        ("/v1/projects/code/resources/entity/e", MAX_BODY),
        ("/v1/status", MAX_BODY),
        ("/", MAX_BODY),
    ],
)
def test_only_code_may_be_large(path: str, limit: int) -> None:
    assert limit_of(path) == limit
