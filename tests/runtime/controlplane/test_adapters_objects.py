"""Objects in the local stack's real object store."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from groundplan.controlplane.adapters.objects import Objects
from groundplan_runtime.config import Runtime


@pytest.fixture
def objects(database: Runtime) -> Objects:
    return Objects(database)


@pytest.fixture
def folder() -> str:
    return f"test/{uuid.uuid4().hex}"


def test_what_is_put_is_there_until_it_is_deleted(objects: Objects, folder: str) -> None:
    uri = objects.put(f"{folder}/a", b"one")
    assert uri == f"s3://groundplan/{folder}/a"
    assert (objects.get(uri), objects.exists(uri)) == (b"one", True)
    objects.put(f"{folder}/a", b"two")
    assert objects.get(uri) == b"two"
    for _ in range(2):
        objects.delete(uri)
        assert not objects.exists(uri)


def test_what_is_not_there_is_a_key_error_that_names_it(objects: Objects, folder: str) -> None:
    uri = f"s3://groundplan/{folder}/missing"
    with pytest.raises(KeyError, match=uri):
        objects.get(uri)


def test_a_prefix_goes_whole_and_its_neighbours_stay(objects: Objects, folder: str) -> None:
    gone = [objects.put(f"{folder}/view/{name}", b"x") for name in ("a", "b/c")]
    kept = objects.put(f"{folder}/view_2/a", b"x")
    for _ in range(2):
        objects.delete_prefix(f"{folder}/view/")
        assert [objects.exists(uri) for uri in (*gone, kept)] == [False, False, True]


def test_threads_share_one_adapter_from_its_first_call(database: Runtime, folder: str) -> None:
    objects = Objects(database)
    with ThreadPoolExecutor(8) as pool:
        uris = list(pool.map(lambda n: objects.put(f"{folder}/{n}", str(n).encode()), range(16)))
        assert list(pool.map(objects.get, uris)) == [str(n).encode() for n in range(16)]
