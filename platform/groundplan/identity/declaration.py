"""What the stack declares, as the issuer is told it: who there is and what each may do. Holds no secret."""

import json
from dataclasses import asdict, dataclass
from typing import Literal

from groundplan.spec import StackSpec, roles_of

Kind = Literal["user", "service_account"]


@dataclass(frozen=True)
class Subject:
    """A user or a service account. ``roles`` as tokens have them: ``<project>:<role>``."""

    name: str
    kind: Kind
    display: str
    email: str | None
    groups: tuple[str, ...]
    roles: tuple[str, ...]

    @property
    def secret(self) -> str:
        """Name of the secret file with the generated password or client secret."""
        return secret_name(self.kind, self.name)


def secret_name(kind: Kind, name: str) -> str:
    """Return the name of the secret that proves a subject."""
    return f"identity-{'user' if kind == 'user' else 'client'}-{name}"


def subjects(stack: StackSpec) -> tuple[Subject, ...]:
    """Return everybody that a stack declares, with what the grants of their groups come to; sorted by name."""
    people = [
        Subject(name, "user", user.name, user.email, _sorted(user.groups), _roles(stack, user.groups))
        for name, user in stack.identity.users.items()
    ]
    programs = [
        Subject(name, "service_account", name, None, _sorted(account.groups), _roles(stack, account.groups))
        for name, account in stack.identity.service_accounts.items()
    ]
    return tuple(sorted(people + programs, key=lambda one: one.name))


def to_json(declared: tuple[Subject, ...]) -> str:
    """Return a declaration as one line, the same for the same."""
    return json.dumps([asdict(one) for one in declared], sort_keys=True, separators=(",", ":"))


def from_json(text: str) -> tuple[Subject, ...]:
    """Return a declaration that :func:`to_json` wrote."""
    return tuple(
        Subject(**{**one, "groups": tuple(one["groups"]), "roles": tuple(one["roles"])}) for one in json.loads(text)
    )


def _roles(stack: StackSpec, groups: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(roles_of(groups, stack.access))


def _sorted(groups: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(set(groups)))
