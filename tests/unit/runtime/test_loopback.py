"""An address that means every interface becomes loopback; any other stays. Ray's hooks name what is there."""

import pytest

from groundplan.local.launch.ray_head import ENVIRONMENT
from groundplan_runtime import loopback


@pytest.mark.parametrize(
    ("given", "bound"),
    [("[::]:0", "127.0.0.1:0"), ("0.0.0.0:80", "127.0.0.1:80"), ("127.0.0.1:5", "127.0.0.1:5"), ("[::1]:5", "[::1]:5")],
)
def test_every_interface_becomes_loopback(given: str, bound: str) -> None:
    seen: list[str] = []
    assert loopback.on_loopback(lambda _, address: seen.append(address) or 7)(None, given) == 7
    assert seen == [bound]


def test_the_hooks_of_the_head_are_functions_of_this_module() -> None:
    named = [value.rsplit(".", 1) for value in ENVIRONMENT.values() if value.startswith("groundplan_runtime.")]
    assert sorted(name for _, name in named) == ["apply", "without_client_server"]
    assert all(module == loopback.__name__ and callable(getattr(loopback, name)) for module, name in named)
