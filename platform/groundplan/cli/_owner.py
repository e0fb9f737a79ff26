"""The stack whose registry another one reads: it has to be up first, and is not purged under its readers."""

import httpx

from groundplan.cli._checkout import Checkout, environments
from groundplan.cli._console import say
from groundplan.cli._platform import Platform
from groundplan.compose import load_stack
from groundplan.errors import GroundplanError, ServiceError
from groundplan.spec import StackSpec

#: Seconds until a registry is taken for one that does not answer.
PATIENCE = 5.0


def require_owner(checkout: Checkout, stack: StackSpec, preview: bool = False) -> None:
    """Raise ServiceError, in one line, where the registry that the stack reads does not answer.

    A preview needs none: it only says that `up` would stop here.
    """
    if stack.owner is None:
        return
    owner = Platform(Checkout(checkout.root, stack.owner.name), stack.owner)
    problem = None if _answers(owner) else f"{stack.name} reads the registry of {stack.owner.name}, which is not up"
    if problem and not preview:
        raise ServiceError(f"{problem}; fix: groundplan up {stack.owner.name} first")
    if problem:
        say(f"warning: `up` would stop here: {problem}; fix: groundplan up {stack.owner.name} first")


def readers(checkout: Checkout) -> list[str]:
    """Names of the environments that have data here and read this one's registry; what can't be read reads none."""
    return [env for env in environments(checkout.root) if env != checkout.env and _reads(checkout, env)]


def _reads(checkout: Checkout, env: str) -> bool:
    try:
        stack = load_stack(checkout.root, env)
    except GroundplanError:
        return False
    there = Platform(Checkout(checkout.root, env), stack).data.exists()
    return there and stack.owner is not None and stack.owner.name == checkout.env


def _answers(owner: Platform) -> bool:
    if not (owner.data / "secrets" / "mlflow-reader-token").exists():
        return False
    try:
        return httpx.get(f"{owner.address('mlflow')}/health", timeout=PATIENCE, trust_env=False).is_success
    except httpx.HTTPError:
        return False
