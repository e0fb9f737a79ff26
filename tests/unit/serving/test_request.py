"""Every mistake in a request is one 4xx line that names the place."""

import json
import pickle

import pytest

from groundplan_serving.config import EntityKey
from groundplan_serving.errors import Fault
from groundplan_serving.request import MAX_BODY_BYTES, check_rows, parse

KEYS = [EntityKey(join_key="origin", type="string"), EntityKey(join_key="hour", type="int64")]
ROW = {"origin": "JFK", "hour": 7}


def read(body: bytes) -> list:
    """What the door does with a body before any tier is asked."""
    entities = parse(body, 10)
    check_rows(dict(enumerate(entities)), KEYS)
    return entities


def test_a_good_request_gives_its_rows() -> None:
    assert read(json.dumps({"entities": [ROW, ROW]}).encode()) == [ROW, ROW]


@pytest.mark.parametrize(
    ("body", "status", "path"),
    [
        (b"{", 400, ""),
        (b"[]", 422, ""),
        (b'{"entities": [], "x": 1}', 422, ""),
        (b'{"entities": {}}', 422, "entities"),
        (b'{"entities": []}', 422, "entities"),
        (json.dumps({"entities": [ROW] * 11}).encode(), 413, "entities"),
        (json.dumps({"entities": [ROW, 3]}).encode(), 422, "entities[1]"),
        (json.dumps({"entities": [{**ROW, "gate": 1}]}).encode(), 422, "entities[0].gate"),
        (json.dumps({"entities": [{"origin": "JFK"}]}).encode(), 422, "entities[0].hour"),
        (json.dumps({"entities": [{**ROW, "hour": "7"}]}).encode(), 422, "entities[0].hour"),
        (json.dumps({"entities": [{**ROW, "hour": True}]}).encode(), 422, "entities[0].hour"),
        (json.dumps({"entities": [{**ROW, "origin": None}]}).encode(), 422, "entities[0].origin"),
        (json.dumps({"entities": [{**ROW, "hour": 2**63}]}).encode(), 422, "entities[0].hour"),
        (b'{"entities": [{"origin": "\\ud800", "hour": 1}]}', 422, "entities[0].origin"),
        (b"[" * 100_000, 400, ""),
        (b" " * (MAX_BODY_BYTES + 1), 413, ""),
    ],
)
def test_a_mistake_names_its_place(body: bytes, status: int, path: str) -> None:
    with pytest.raises(Fault) as caught:
        read(body)
    assert (caught.value.status, caught.value.path) == (status, path)
    assert "\n" not in caught.value.what


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("int64", [0, -(2**63), 2**63 - 1], [2**63, 1.0, True, "1", None]),
        ("float64", [0, 1.5, -(2**70)], [float("nan"), float("inf"), 10**400, False, "1"]),
        ("bool", [True, False], [0, 1, "true"]),
        ("string", ["", "JFK", "Zürich", "\N{GRINNING FACE}"], ["\udfff", 1, None]),
    ],
)
def test_a_key_is_of_its_type_and_in_its_range(kind: str, good: list, bad: list) -> None:
    keys = [EntityKey(join_key="k", type=kind)]
    check_rows({i: {"k": value} for i, value in enumerate(good)}, keys)
    for value in bad:
        with pytest.raises(Fault):
            check_rows({0: {"k": value}}, keys)


def test_a_fault_crosses_processes_whole() -> None:
    fault = Fault(404, "unknown", "entities[0]", "XXX", None, "check it")
    assert pickle.loads(pickle.dumps(fault)).body() == fault.body()
