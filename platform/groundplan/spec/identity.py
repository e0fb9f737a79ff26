"""Who there is and what they may do: users, service accounts, and the grants by which groups hold roles in projects.

What nothing grants is denied: whoever is in no group of a grant signs in and may do nothing.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Annotated, Literal, get_args

from pydantic import Field

from groundplan.errors import suggest
from groundplan.spec._base import Email, Model, Name
from groundplan.spec.finding import Finding, Path

Role = Literal["viewer", "data_scientist", "ml_engineer", "approver", "platform_admin"]
#: The roles there are, with what each is for; what each may do, route by route, is the gateway's table.
ROLES: dict[Role, str] = {
    "viewer": "looks at models, metrics, lineage and what is served; changes nothing",
    "data_scientist": "asks for predictions, reads runs, trains models, describes them",
    "ml_engineer": "declares and changes features, models and applications; promotes and takes back",
    "approver": "approves the versions of others where a gate asks for it",
    "platform_admin": "all of it, and the audit trail",
}
#: Actors that are no one's sign-in: the audit trail must not mix them up with people.
RESERVED = ("deployer", "system", "groundplan")


class UserSpec(Model):
    """A person who signs in with a generated password."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    email: Email
    groups: tuple[Name, ...] = ()


class ServiceAccountSpec(Model):
    """A program that gets tokens with a generated client secret; its client id is its name."""

    groups: tuple[Name, ...] = ()


class IdentitySpec(Model):
    """Users and service accounts of the stack's own issuer, by the name that tokens carry as ``sub``."""

    users: dict[Name, UserSpec] = {}
    service_accounts: dict[Name, ServiceAccountSpec] = {}

    def groups(self) -> set[str]:
        """Return every group that somebody is in."""
        members: list[UserSpec | ServiceAccountSpec] = [*self.users.values(), *self.service_accounts.values()]
        return {group for one in members for group in one.groups}


class GrantSpec(Model):
    """A group holds a role in projects of the stack, or in all of them, also those that come later.

    ``personal_data``: it may see personal data there, too; no role gives that.
    """

    group: Name
    role: Role
    projects: tuple[Name, ...] | Literal["all"]
    personal_data: bool = False


def roles_of(groups: Collection[str], access: Sequence[GrantSpec]) -> list[str]:
    """Return what members of ``groups`` hold, as tokens say it: ``<project>:<role>``, ``*:<role>`` for all; sorted.

    ``<project>:personal_data`` beside them is the attribute.
    """
    held = set()
    for grant in access:
        if grant.group in groups:
            where = ("*",) if grant.projects == "all" else grant.projects
            held |= {f"{project}:{grant.role}" for project in where}
            held |= {f"{project}:personal_data" for project in where if grant.personal_data}
    return sorted(held)


def identity_findings(
    identity: IdentitySpec, access: Sequence[GrantSpec], projects: Sequence[str], *, local: bool
) -> Iterator[Finding]:
    """Yield every mistake in who is declared and what is granted. ``local``: the stack runs its own issuer."""
    if local:
        yield from _names(identity)
    else:
        yield from _foreign(identity)
    for index, grant in enumerate(access):
        yield from _grant(("access", index), grant, identity.groups() if local else {grant.group}, projects)


def _names(identity: IdentitySpec) -> Iterator[Finding]:
    for kind in ("users", "service_accounts"):
        for name in getattr(identity, kind):
            if name in RESERVED:
                what = "is the name of an actor of the platform's own"
                yield Finding(("identity", kind, name), what, name, fix="choose another name")
    for name in identity.service_accounts:
        if name in identity.users:
            what = "is a user and a service account: tokens could not tell them apart"
            yield Finding(("identity", "service_accounts", name), what, name, fix="rename one of them")


def _foreign(identity: IdentitySpec) -> Iterator[Finding]:
    """Whoever another issuer knows cannot be declared here: nothing would make them."""
    for kind in ("users", "service_accounts"):
        if getattr(identity, kind):
            what = "belongs to the stack's own issuer, and services.identity names another"
            yield Finding(("identity", kind), what, fix="remove it, or services.identity: local")


def _grant(path: Path, grant: GrantSpec, groups: Collection[str], projects: Sequence[str]) -> Iterator[Finding]:
    if grant.group not in groups:
        allowed = ", ".join(sorted(groups)) or "nobody is in any group"
        fix = suggest(grant.group, groups) or "put a user or a service account into it"
        yield Finding((*path, "group"), "unknown group", grant.group, allowed, fix)
    if grant.projects == "all":
        return
    for index, project in enumerate(grant.projects):
        if project not in projects:
            allowed = ", ".join(sorted(projects)) or "no project is declared"
            yield Finding(
                (*path, "projects", index), "is not in this stack", project, allowed, suggest(project, projects)
            )


assert tuple(ROLES) == get_args(Role)  # noqa: S101 - one table, two spellings
