"""The services that serving reads and writes: PostgreSQL (Feast's registry), the object store, Valkey."""

import os
from collections.abc import Iterator
from unittest import mock

import pytest

from groundplan_runtime.config import Runtime
from tests.support.clone import free_port_base
from tests.support.local_stack import LocalStack, make_site


@pytest.fixture(scope="package")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    """The services, of the local stack's own kind, and this process's environment set for them."""
    folder = tmp_path_factory.mktemp("serving") / "data"
    stack = LocalStack(make_site(folder, free_port_base()), ["Database", "ObjectStore", "OnlineStore"])
    try:
        stack.up()
        runtime = Runtime.load(folder / "runtime.json")
        with mock.patch.dict(os.environ, runtime.environment()):
            yield runtime
    finally:
        stack.down()
