"""A stack that reads the registry of another one: whose it is, and every way that leads to none."""

import pytest
from tests.support.checkout import Checkout

from groundplan.compose import load, load_stack
from groundplan.errors import SpecError

STACK = """\
name: {name}
target: {target}
alias: production
projects: [shop]
local: {{data_dir: .groundplan/{name}, port_base: {base}}}
"""
SHARES = "source: {{stack: {stack}, registry: shared}}\n"


@pytest.fixture
def three(checkout: Checkout) -> Checkout:
    """dev, which trains; staging, which reads dev's registry; prod, which takes from staging what is in it."""
    declare(checkout, "dev", 21000)
    declare(checkout, "staging", 22000, "dev")
    declare(checkout, "prod", 23000, "staging")
    return checkout


def declare(checkout: Checkout, name: str, base: int, source: str | None = None, target: str = "local") -> None:
    text = STACK.format(name=name, target=target, base=base)
    checkout.write(f"stacks/{name}.yaml", text + (SHARES.format(stack=source) if source else ""))


def refusal(checkout: Checkout, env: str) -> str:
    with pytest.raises(SpecError) as refused:
        load(checkout.root, env)
    (problem,) = refused.value.problems
    return str(problem)


def test_the_owner_is_the_one_that_has_a_registry_of_its_own(three: Checkout) -> None:
    dev = load_stack(three.root, "dev")
    assert dev.owner is None
    for env in ("staging", "prod"):
        stack, _ = load(three.root, env)
        assert stack.owner == dev
        assert stack.local_port("mlflow") == dev.local.port("mlflow")
        assert stack.local_port("serve") == stack.local.port("serve")


def test_an_owner_is_found_not_declared(three: Checkout) -> None:
    three.edit("stacks/staging.yaml", "alias:", "owner: {}\nalias:")
    assert "owner: unknown key" in refusal(three, "staging")


def test_one_that_is_not_declared(three: Checkout) -> None:
    (three.root / "stacks/dev.yaml").unlink()
    assert refusal(three, "staging") == (
        "stacks/staging.yaml:6: source.stack: is not declared, and staging reads its registry; got dev; "
        "allowed: local, prod, staging; fix: write stacks/dev.yaml"
    )
    assert "is not declared, and staging reads its registry" in refusal(three, "prod")


def test_itself_and_a_circle(three: Checkout) -> None:
    three.edit("stacks/staging.yaml", "stack: dev", "stack: staging")
    assert "source.stack: is this stack itself" in refusal(three, "staging")
    declare(three, "staging", 22000, "dev")
    declare(three, "dev", 21000, "prod")
    for env, circle in (("dev", "dev → prod → staging → dev"), ("prod", "prod → staging → dev → prod")):
        assert refusal(three, env).endswith(
            f"source.stack: reads its own registry in a circle; got {circle}; fix: registry: own in one of them"
        )


def test_only_local_stacks_share(three: Checkout) -> None:
    declare(three, "staging", 22000, "dev", target="kind")
    assert "source.registry: is read by local stacks of one machine only; got shared, in a stack of target kind" in (
        refusal(three, "staging")
    )
    declare(three, "staging", 22000, "dev")
    declare(three, "dev", 21000, target="kind")
    assert "source.stack: is of target kind: only the registry of a local stack is shared; got dev" in (
        refusal(three, "staging")
    )


def test_what_is_wrong_with_the_owner_is_told_at_its_own_line(three: Checkout) -> None:
    three.edit("stacks/dev.yaml", "alias: production", "alias: production\nalais: x")
    assert refusal(three, "staging").startswith("stacks/dev.yaml:4: alais: unknown key")
