"""A private cluster's tunnel is open before the engine looks at what is there; where there is none to open, none is."""

import json
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from groundplan.cli import _way_in
from groundplan.cli._checkout import Checkout
from groundplan.cli._way_in import way_in
from groundplan.compose import load_stack
from groundplan.errors import ToolError

ROOT = Path(__file__).resolve().parents[3]
REFUSED = f"{sys.executable} -c 'import sys; sys.exit(\"AccessDeniedException: ssm:StartSession\")'"


def checkout(folder: Path, outputs: dict[str, str]) -> Checkout:
    """stacks/prod.yaml with a state that the last ``up`` left."""
    for name in ("stacks", "projects"):
        (folder / name).symlink_to(ROOT / name)
    opened = Checkout(folder, "prod")
    opened.state.parent.mkdir(parents=True)
    resources = [{"type": "pulumi:pulumi:Stack", "outputs": outputs}]
    opened.state.write_text(json.dumps({"checkpoint": {"latest": {"resources": resources}}}))
    return opened


@pytest.fixture
def signed_in(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A machine with credentials, where a tunnel is not waited for."""
    monkeypatch.setattr(_way_in, "signed_in", lambda: True)
    monkeypatch.setattr("groundplan.account.session._carries", lambda port: False)
    monkeypatch.setattr("groundplan.account.session.PAUSE", 0.01)
    tunnel = _way_in.tunnel
    monkeypatch.setattr(_way_in, "tunnel", lambda command, port: tunnel(command, port, patience=1))
    return monkeypatch


def test_what_the_last_up_told_is_opened_at_the_declared_port(tmp_path: Path, signed_in: pytest.MonkeyPatch) -> None:
    says = r"at port 16443: AccessDeniedException: ssm:StartSession; fix: "
    with pytest.raises(ToolError, match=says), way_in(checkout(tmp_path, {"tunnel": REFUSED})):
        pytest.fail("it did not open")


def test_before_the_first_up_there_is_nothing_to_open(tmp_path: Path, signed_in: pytest.MonkeyPatch) -> None:
    assert isinstance(way_in(checkout(tmp_path, {})), nullcontext)


def test_without_credentials_a_preview_opens_nothing(tmp_path: Path, signed_in: pytest.MonkeyPatch) -> None:
    signed_in.setattr(_way_in, "signed_in", lambda: False)
    assert isinstance(way_in(checkout(tmp_path, {"tunnel": REFUSED})), nullcontext)


def test_a_stack_that_declares_no_runner_any_more_opens_nothing(tmp_path: Path, signed_in: pytest.MonkeyPatch) -> None:
    stack = load_stack(ROOT, "prod")
    assert stack.aws is not None
    without = stack.aws.model_copy(update={"eks": stack.aws.eks.model_copy(update={"runner": None})})
    signed_in.setattr(_way_in, "load_stack", lambda *_: stack.model_copy(update={"aws": without}))
    assert isinstance(way_in(checkout(tmp_path, {"tunnel": REFUSED})), nullcontext)
