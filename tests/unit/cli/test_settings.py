"""What a stack needs before the engine runs: made once, kept, mended."""

import json
import stat
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from groundplan.cli._checkout import Checkout
from groundplan.cli._settings import STACK_ID, ensure_settings, is_deployed, stack_id
from groundplan.errors import GroundplanError


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    (tmp_path / "stacks").mkdir()
    return Checkout(tmp_path, "local")


def write_state(checkout: Checkout, **latest: object) -> None:
    checkout.state.parent.mkdir(parents=True)
    checkout.state.write_text(json.dumps({"version": 3, "checkpoint": {"latest": latest}}))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_all_is_made_private_and_twice_is_once(checkout: Checkout) -> None:
    ensure_settings(checkout)
    before = (stack_id(checkout), checkout.passphrase.read_text())
    ensure_settings(checkout)
    assert (stack_id(checkout), checkout.passphrase.read_text()) == before
    assert len(before[1]) >= 32
    assert mode(checkout.passphrase) == mode(checkout.settings) == 0o600
    assert mode(checkout.own) == mode(checkout.backend) == 0o700


def test_two_stacks_have_two_ids_and_one_passphrase(checkout: Checkout) -> None:
    other = Checkout(checkout.root, "other")
    ensure_settings(checkout)
    ensure_settings(other)
    assert stack_id(checkout) != stack_id(other)


def test_lost_settings_are_mended_from_the_state(checkout: Checkout) -> None:
    ensure_settings(checkout)
    write_state(
        checkout,
        secrets_providers={"type": "passphrase", "state": {"salt": "v1:abc"}},
        resources=[{"type": "pulumi:pulumi:Stack"}, {"type": "x", "inputs": {"stack_id": "the-id"}}],
    )
    checkout.settings.unlink()
    ensure_settings(checkout)
    assert YAML(typ="safe").load(checkout.settings) == {"config": {STACK_ID: "the-id"}, "encryptionsalt": "v1:abc"}


def test_people_s_own_configuration_is_kept(checkout: Checkout) -> None:
    checkout.settings.write_text("config:\n  groundplan:other: 1\n")
    ensure_settings(checkout)
    assert YAML(typ="safe").load(checkout.settings)["config"]["groundplan:other"] == 1


def test_a_salt_without_its_passphrase_is_dropped_where_nothing_is_lost_by_it(checkout: Checkout) -> None:
    ensure_settings(checkout)
    id = stack_id(checkout)
    checkout.settings.write_text(checkout.settings.read_text() + "encryptionsalt: v1:old\n")
    checkout.passphrase.unlink()
    ensure_settings(checkout)
    assert YAML(typ="safe").load(checkout.settings) == {"config": {STACK_ID: id}}


def test_a_lost_passphrase_with_a_state_is_one_line_with_the_ways_out(checkout: Checkout) -> None:
    ensure_settings(checkout)
    write_state(checkout)
    checkout.passphrase.unlink()
    with pytest.raises(GroundplanError, match=r"missing, and the state of 'local' .* restore it, or .*--purge"):
        ensure_settings(checkout)


def test_deployed_is_what_has_resources_or_unfinished_ones(checkout: Checkout) -> None:
    assert not is_deployed(checkout)
    write_state(checkout, pending_operations=[{"type": "creating"}])
    assert is_deployed(checkout)
