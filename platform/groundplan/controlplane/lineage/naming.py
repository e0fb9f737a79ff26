"""What things are called in lineage: ``flights/model/delay`` of stack local is ``model.delay`` in ``local.flights``.

No name has a slash in it: gateways refuse the encoded ones that clients would send.
"""

import uuid

#: The root of every id that is made of a name.
ROOT = uuid.UUID("6f0d2c63-3d54-5f0e-9f0e-0d8c4c1b7a55")
PRODUCER = "https://github.com/groundplan/groundplan"


def namespace_of(stack: str, project: str) -> str:
    """Return the namespace of a project."""
    return f"{stack}.{project}"


def name_of(kind: str, name: str) -> str:
    """Return what a job, and the dataset that it makes, is called."""
    return f"{kind}.{name}"


def id_of(stack: str, namespace: str, name: str) -> str:
    """Return a dataset's plan node id; for one that is not of this stack ``<namespace>:<name>``."""
    prefix = f"{stack}."
    kind, dot, rest = name.partition(".")
    if not namespace.startswith(prefix) or not dot or "." in namespace.removeprefix(prefix):
        return f"{namespace}:{name}"
    return f"{namespace.removeprefix(prefix)}/{kind}/{rest}"


def dataset_of(stack: str, id: str) -> tuple[str, str]:
    """Return the namespace and name of the dataset of a plan node: the inverse of :func:`id_of`."""
    project, kind, name = id.split("/", 2)
    return namespace_of(stack, project), name_of(kind, name)


def stable_uuid(*parts: str) -> str:
    """Return the one UUID of some words."""
    return str(uuid.uuid5(ROOT, "\x1f".join(parts)))
