"""What a stack needs before the engine runs: its id, a passphrase, a state; made once, mended where a part was lost."""

import json
import os
import secrets
import uuid
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from groundplan.cli._checkout import PROJECT, Checkout
from groundplan.errors import GroundplanError

STACK_ID = f"{PROJECT}:stack-id"


def ensure_settings(checkout: Checkout) -> None:
    """Make folders, passphrase and ``stacks/Pulumi.<env>.yaml`` where they are missing; keep what is there."""
    for folder in (checkout.own, checkout.backend):
        folder.mkdir(mode=0o700, exist_ok=True)
        folder.chmod(0o700)
    fresh = _ensure_passphrase(checkout)
    settings = _load(checkout.settings)
    if fresh:
        # Nothing can be decrypted without the passphrase it was encrypted with; a salt of it would only be refused.
        settings.pop("encryptionsalt", None)
    config = settings.setdefault("config", {})
    state = read_state(checkout.state)
    if STACK_ID not in config:
        config[STACK_ID] = _id_of(state) or str(uuid.uuid4())
    salt = _salt_of(state)
    if "encryptionsalt" not in settings and salt:
        settings["encryptionsalt"] = salt
    if settings != _load(checkout.settings):
        _save(checkout.settings, settings)


def stack_id(checkout: Checkout) -> str | None:
    """The stack's id; None where none was made yet."""
    value = (_load(checkout.settings).get("config") or {}).get(STACK_ID)
    return str(value) if value else None


def read_state(path: Path) -> dict[str, Any]:
    """The deployment in a state file of the backend: ``resources``, ``pending_operations``; empty without one."""
    if not path.exists():
        return {}
    deployment = json.loads(path.read_text()).get("checkpoint", {}).get("latest") or {}
    return dict(deployment)


def is_deployed(checkout: Checkout) -> bool:
    """Whether the state holds anything."""
    state = read_state(checkout.state)
    return bool(state.get("resources") or state.get("pending_operations"))


def _ensure_passphrase(checkout: Checkout) -> bool:
    if checkout.passphrase.exists():
        return False
    if checkout.state.exists():
        raise GroundplanError(
            f"{checkout.passphrase}: missing, and the state of {checkout.env!r} is encrypted with it; "
            f"fix: restore it, or start anew with: groundplan down {checkout.env} --purge"
        )
    descriptor = os.open(checkout.passphrase, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(32))
    return True


def _load(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    content = YAML(typ="safe").load(path)
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise GroundplanError(f"{path}: a mapping is expected; fix: remove the file, `up` makes it again")
    return content


def _save(path: Path, settings: dict[str, Any]) -> None:
    draft = path.with_suffix(".draft")
    yaml = YAML()
    yaml.width = 4096
    with draft.open("w") as file:
        yaml.dump(settings, file)
    draft.chmod(0o600)
    draft.replace(path)


def _id_of(state: dict[str, Any]) -> str | None:
    """The id that the deployed resources carry: they are ours, whatever became of the settings."""
    for resource in state.get("resources", []):
        value = resource.get("inputs", {}).get("stack_id")
        if isinstance(value, str) and value:
            return value
    return None


def _salt_of(state: dict[str, Any]) -> str | None:
    provider = state.get("secrets_providers") or {}
    salt = (provider.get("state") or {}).get("salt") if provider.get("type") == "passphrase" else None
    return str(salt) if salt else None
