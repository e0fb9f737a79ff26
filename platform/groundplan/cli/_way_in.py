"""The way to a private cluster, open while the engine works: it looks at what is there before the program runs."""

from contextlib import AbstractContextManager, nullcontext

from groundplan.account import TUNNEL, signed_in, tunnel
from groundplan.cli._checkout import Checkout
from groundplan.cli._settings import read_state
from groundplan.compose import load_stack


def way_in(checkout: Checkout) -> AbstractContextManager[None]:
    """Return the tunnel that the last ``up`` told of, where the stack still declares one; else nothing to open.

    Without credentials nothing is opened: a preview then shows what is declared.
    """
    resources = read_state(checkout.state).get("resources", [])
    stacks = [each for each in resources if each["type"] == "pulumi:pulumi:Stack"]
    command = stacks[0].get("outputs", {}).get(TUNNEL) if stacks else None
    if not isinstance(command, str) or not signed_in():
        return nullcontext()
    stack = load_stack(checkout.root, checkout.env)  # only now: few stacks have told of a tunnel
    runner = stack.aws.eks.runner if stack.aws is not None else None
    return nullcontext() if runner is None else tunnel(command, runner.port)
