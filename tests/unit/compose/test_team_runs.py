"""A run that its team's limits would never let begin is one line of the project's own file, before anything is made."""

import pytest
from tests.support.checkout import Checkout

from groundplan.compose import load
from groundplan.errors import SpecError

TEAM = "teams: {core: {projects: [shop], quota: {cpus: 8, memory: 16Gi, gpus: 1}, limits: {cpus: 2}}}\n"
STACK = "name: local\ntarget: kind\nprojects: [shop]\n"
FILE = "projects/shop/training/spend.yaml"


def told(checkout: Checkout, stack: str, resources: str) -> list[str]:
    (checkout.root / "stacks/local.yaml").write_text(stack)
    file = checkout.root / FILE
    file.write_text(file.read_text() + f"  resources: {resources}\n")
    try:
        load(checkout.root, "local")
    except SpecError as error:
        return [str(each) for each in error.problems]
    return []


@pytest.mark.parametrize(
    ("stack", "resources", "words"),
    [
        (STACK + TEAM, "{cpus: 2, memory_mb: 15872, gpus: 1}", ()),
        (STACK + TEAM, "{cpus: 3}", ("training.spend.resources.cpus", "got 3", "at most 2", "teams.core.limits.cpus")),
        (STACK + TEAM, "{memory_mb: 15873}", ("resources.memory_mb", "at most 15872, which is 16Gi less 512 MiB")),
        (STACK + TEAM, "{gpus: 2}", ("resources.gpus", "got 2", "at most 1", "teams.core.quota.gpus")),
        (STACK, "{gpus: 1}", ("resources.gpus", "at most 0", "teams.shop.quota.gpus")),
        (STACK.replace("kind", "local"), "{gpus: 2, cpus: 64}", ()),
    ],
)
def test_it_says_what_is_too_much_and_where_more_is_allowed(
    checkout: Checkout, stack: str, resources: str, words: tuple[str, ...]
) -> None:
    found = told(checkout, stack, resources)
    assert len(found) == (1 if words else 0), found
    for word in words:
        assert word in found[0]
