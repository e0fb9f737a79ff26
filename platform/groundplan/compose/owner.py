"""Whose registry a stack reads that shares one: its source's, or the one that its source reads."""

from collections.abc import Callable, Sequence

from groundplan.errors import suggest
from groundplan.spec import Finding, StackSpec

AT = ("source", "stack")


def owner_of(stack: StackSpec, known: Sequence[str], read: Callable[[str], StackSpec]) -> StackSpec | Finding:
    """Return the stack that owns the registry, or what is wrong with the way to it.

    ``known``: the environments of the checkout; ``read`` returns one of them as its file says, or raises SpecError.
    """
    way, at = [stack.name], stack
    while at.source is not None and at.source.registry == "shared":
        name = at.source.stack
        if name in way:
            circle = " → ".join((*way, name))
            return Finding(AT, "reads its own registry in a circle", circle, fix="registry: own in one of them")
        if name not in known:
            what = f"is not declared, and {at.name} reads its registry"
            return Finding(AT, what, name, ", ".join(known), suggest(name, known) or f"write stacks/{name}.yaml")
        way, at = [*way, name], read(name)
        if at.target != "local":
            fix = "registry: own: pairs then come by their digest (docs/environments.md)"
            return Finding(AT, f"is of target {at.target}: only the registry of a local stack is shared", name, fix=fix)
    return at
