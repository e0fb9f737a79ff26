"""A service as supervisord reads it, and what is wrong with its inputs."""

import configparser
import shlex
from typing import Any

import pytest
from supervisor.datatypes import dict_of_key_value_pairs

from groundplan.local.folder import Folder
from groundplan.local.processes import clean_environment
from groundplan.local.program import Program
from groundplan.local.service import ServiceHandler
from groundplan.provider.handler import Context

HANDLER = ServiceHandler()


def inputs(folder: Folder, **changes: Any) -> dict[str, Any]:
    return {
        "folder": str(folder.root), "stack_id": "s1", "name": "one", "command": ["/bin/true"],
        "health": {"kind": "tcp", "port": 21190}, **changes,
    }  # fmt: skip


def section(program: Program) -> dict[str, str]:
    """Read it as supervisord does, whose expansion of ``%(name)s`` is Python's."""
    parser = configparser.RawConfigParser(inline_comment_prefixes=(";", "#"), strict=False)
    parser.read_string(program.render())
    return {key: value % {} for key, value in parser[f"program:{program.name}"].items()}


def test_what_supervisord_reads_is_what_was_declared(folder: Folder) -> None:
    environment = {"PATHS": "/a b:/c,d", "PERCENT": "100%", "EQUALS": "a=b"}
    command = ["/bin/echo", "two words", "50%", "a=b", "$HOME"]
    made = Program.of(inputs(folder, command=command, environment=environment, stop_seconds=7.0, stop_signal="INT"))
    read = section(made)
    assert shlex.split(read["command"]) == command or read["command"] == shlex.join(command)
    assert dict_of_key_value_pairs(read["environment"]) == {**environment, "GROUNDPLAN_SERVICE": "one"}
    assert read["stopwaitsecs"] == "7"
    assert read["stopsignal"] == "INT"
    assert read["autostart"] == "false"
    assert read["autorestart"] == read["stopasgroup"] == read["killasgroup"] == "true"
    assert read["stdout_logfile"] == str(folder.logs / "one.log")


def test_it_starts_with_nothing_of_the_deployers_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "secret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    assert "secret" not in clean_environment().values()
    assert "PATH" in clean_environment()


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"name": "../x"}, "name"),
        ({"name": "one\n[x]"}, "name"),
        ({"health": {"kind": "hope"}}, "health.kind"),
        ({"stop_signal": "KILL"}, "stop_signal"),
        ({"command": ["/bin/echo", 'a"b']}, "command"),
        ({"environment": {"A": "x\ny"}}, "command"),
        ({"environment": {"A": "x ;y"}}, "command"),
    ],
)
def test_wrong_inputs_are_failures_at_preview(
    folder: Folder, ctx: Context, changes: dict[str, Any], where: str
) -> None:
    assert [f.property for f in HANDLER.check(inputs(folder, **changes), ctx)[1]] == [where]


def test_defaults_are_filled_in_and_right_inputs_pass(folder: Folder, ctx: Context) -> None:
    filled, failures = HANDLER.check(inputs(folder), ctx)
    assert failures == []
    assert HANDLER.check(filled, ctx) == (filled, [])
    assert filled["stop_seconds"] == 10


def test_a_service_without_a_supervisor_reads_as_down_never_as_gone(folder: Folder, ctx: Context) -> None:
    state = {**HANDLER.check(inputs(folder), ctx)[0], "running": True, "log": "x"}
    found = HANDLER.read("s1/one", state, ctx)
    assert found is not None
    assert found["running"] is False
    assert HANDLER.unsettled(found) == {"running"}
    assert HANDLER.read("s1/one", {**state, "folder": str(folder.root / "none")}, ctx) is None
    HANDLER.delete("s1/one", state, ctx)
