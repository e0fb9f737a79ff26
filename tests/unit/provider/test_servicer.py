"""The protocol, driven without an engine: a handler that remembers, and a log that listens."""

from pathlib import Path
from typing import Any

import pytest
from pulumi.runtime.proto import provider_pb2

from groundplan.errors import GroundplanError
from groundplan.provider.diff import Change, Changes
from groundplan.provider.handler import Context, Failure, Unreachable
from groundplan.provider.servicer import Servicer
from groundplan.provider.values import UNKNOWN, secret_keys, to_plain, to_struct

URN = "urn:pulumi:s::p::groundplan:platform:Project$groundplan:test:Thing::it"


class Thing:
    """A handler whose world is one dictionary."""

    token = "groundplan:test:Thing"
    secret_outputs = frozenset({"password"})
    outputs = frozenset({"password", "status"})

    def __init__(self) -> None:
        self.world: dict[str, Any] = {}
        self.fails: Exception | None = None

    def check(self, inputs: dict[str, Any], ctx: Context) -> tuple[dict[str, Any], list[Failure]]:
        missing = [] if "size" in inputs else [Failure("size", "missing")]
        return {"colour": "red", **inputs}, missing

    def create(self, inputs: dict[str, Any], ctx: Context) -> tuple[str, dict[str, Any]]:
        ctx.report("making it")
        return "id-1", self.update("id-1", {}, inputs, ctx)

    def read(self, id: str, state: dict[str, Any], ctx: Context) -> dict[str, Any] | None:
        if self.fails:
            raise self.fails
        return self.world or None

    def update(self, id: str, state: dict[str, Any], inputs: dict[str, Any], ctx: Context) -> dict[str, Any]:
        if self.fails:
            raise self.fails
        self.world = {**inputs, "password": "s3cret", "status": "ready"}
        return self.world

    def delete(self, id: str, state: dict[str, Any], ctx: Context) -> None:
        self.world = {}

    def unsettled(self, state: dict[str, Any]) -> frozenset[str]:
        return frozenset() if state.get("status") == "ready" else frozenset({"status"})

    def breaking(self, changes: Changes) -> list[str]:
        return [path for path, change in changes.items() if path == "size" and change is Change.UPDATE]


class Log:
    """The engine's display."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def info(self, urn: str, text: str) -> None:
        self.lines.append(("info", text))

    def warn(self, urn: str, text: str) -> None:
        self.lines.append(("warn", text))


class Aborted(Exception):
    """What ends a call."""


class Call:
    """The server's side of a call."""

    def abort(self, code: Any, text: str) -> None:
        raise Aborted(text)


@pytest.fixture
def thing() -> Thing:
    return Thing()


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def servicer(thing: Thing, log: Log) -> Servicer:
    return Servicer([thing], log)  # type: ignore[list-item, arg-type]


def diff(servicer: Servicer, state: dict[str, Any], inputs: dict[str, Any], *ignored: str) -> dict[str, int]:
    request = provider_pb2.DiffRequest(
        urn=URN, id="id-1", olds=to_struct(state), news=to_struct(inputs), ignoreChanges=ignored
    )
    answer = servicer.Diff(request, Call())
    assert not answer.replaces
    assert (answer.changes == provider_pb2.DiffResponse.DIFF_SOME) == bool(answer.detailedDiff)
    return {path: change.kind for path, change in answer.detailedDiff.items()}


READY = {"size": 1, "colour": "red", "password": "s3cret", "status": "ready"}


def test_check_fills_in_defaults_and_tells_failures(servicer: Servicer) -> None:
    answer = servicer.Check(provider_pb2.CheckRequest(urn=URN, news=to_struct({})), Call())
    assert to_plain(answer.inputs) == {"colour": "red"}
    assert [(f.property, f.reason) for f in answer.failures] == [("size", "missing")]


def test_check_passes_over_what_is_not_known_yet_and_keeps_secrets(servicer: Servicer) -> None:
    news = to_struct({"size": UNKNOWN, "colour": "blue"}, secrets={"colour"})
    answer = servicer.Check(provider_pb2.CheckRequest(urn=URN, news=news), Call())
    assert to_plain(answer.inputs) == {"size": UNKNOWN, "colour": "blue"}
    assert secret_keys(answer.inputs) == {"colour"}
    assert not answer.failures


def test_diff_is_per_property_and_never_replaces(servicer: Servicer, log: Log) -> None:
    kinds = provider_pb2.PropertyDiff
    assert diff(servicer, READY, {"size": 1, "colour": "red"}) == {}
    assert log.lines == []
    assert diff(servicer, READY, {"size": 2, "colour": "red"}) == {"size": kinds.UPDATE}
    assert log.lines == [("warn", "breaking: size: made in place; what uses it has to follow")]
    assert diff(servicer, READY, {"size": 2, "colour": "red"}, "size") == {}
    assert diff(servicer, READY, {"size": 1, "new": 1}) == {"colour": kinds.DELETE, "new": kinds.ADD}
    assert diff(servicer, {**READY, "status": "failed"}, {"size": 1, "colour": "red"}) == {"status": kinds.UPDATE}


def test_create_marks_secrets_and_reports(servicer: Servicer, log: Log) -> None:
    answer = servicer.Create(provider_pb2.CreateRequest(urn=URN, properties=to_struct({"size": 1})), Call())
    assert answer.id == "id-1"
    assert secret_keys(answer.properties) == {"password"}
    assert log.lines == [("info", "making it")]


def test_a_preview_touches_nothing(servicer: Servicer, thing: Thing) -> None:
    inputs = to_struct({"size": 1})
    made = servicer.Create(provider_pb2.CreateRequest(urn=URN, properties=inputs, preview=True), Call())
    servicer.Update(provider_pb2.UpdateRequest(urn=URN, news=inputs, olds=inputs, preview=True), Call())
    assert to_plain(made.properties) == {"size": 1, "password": UNKNOWN, "status": UNKNOWN}
    assert thing.world == {}


def test_read_gives_what_is_there_and_nothing_when_it_is_gone(servicer: Servicer, thing: Thing) -> None:
    thing.world = READY
    answer = servicer.Read(provider_pb2.ReadRequest(urn=URN, id="id-1"), Call())
    assert to_plain(answer.properties) == READY
    assert to_plain(answer.inputs) == {"size": 1, "colour": "red"}
    thing.world = {}
    assert servicer.Read(provider_pb2.ReadRequest(urn=URN, id="id-1"), Call()).id == ""


def test_what_cannot_be_looked_at_stays_as_it_was_with_a_warning(servicer: Servicer, thing: Thing, log: Log) -> None:
    thing.fails = Unreachable("nobody answers")
    request = provider_pb2.ReadRequest(urn=URN, id="id-1", properties=to_struct(READY, {"password"}))
    answer = servicer.Read(request, Call())
    assert answer.properties == request.properties
    assert log.lines == [("warn", "could not look at it: nobody answers; showing what was last known")]


def test_our_errors_reach_the_user_as_they_are(servicer: Servicer, thing: Thing) -> None:
    thing.fails = GroundplanError("the port is taken; fix: another one")
    with pytest.raises(Aborted, match=r"^the port is taken; fix: another one$"):
        servicer.Create(provider_pb2.CreateRequest(urn=URN, properties=to_struct({"size": 1})), Call())


def test_other_errors_are_one_line_and_the_traceback_is_in_the_log(
    servicer: Servicer, thing: Thing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROUNDPLAN_ROOT", str(tmp_path))
    thing.fails = KeyError("oh\nno")
    with pytest.raises(Aborted) as ended:
        servicer.Create(provider_pb2.CreateRequest(urn=URN, properties=to_struct({"size": 1})), Call())
    log = tmp_path / ".groundplan/logs/provider.log"
    assert "\n" not in str(ended.value)
    assert str(log) in str(ended.value)
    assert "Traceback" in log.read_text()
    assert log.stat().st_mode & 0o777 == 0o600


def test_an_unknown_type_names_the_known_ones(servicer: Servicer) -> None:
    with pytest.raises(Aborted, match=r"Other: no such type; there is: groundplan:test:Thing"):
        servicer.Check(provider_pb2.CheckRequest(urn="urn:pulumi:s::p::groundplan:test:Other::it"), Call())


def test_cancel_reaches_every_call(servicer: Servicer, thing: Thing) -> None:
    seen: list[Context] = []
    thing.check = lambda inputs, ctx: (seen.append(ctx), (inputs, []))[1]  # type: ignore[func-returns-value, method-assign]
    servicer.Check(provider_pb2.CheckRequest(urn=URN), Call())
    servicer.Cancel(None, Call())
    assert seen[0].cancelled.is_set()
