"""Pairs in a registry that another stack owns: found by digest and run, adopted under its numbers, never written.

A stack's own table of pairs says which of them it took; its aliases, holds, approvals and retirements are its own.
"""

from collections.abc import Mapping
from typing import Any

from groundplan.controlplane import registry
from groundplan.controlplane.context import Platform, Work
from groundplan.controlplane.db.engine import locked
from groundplan.controlplane.problem import ApiProblem
from groundplan.controlplane.store import Resource

#: What names a pair in every registry: ``digest`` and ``run_id``.
Made = Mapping[str, Any]


def number_of(platform: Platform, project: str, model: str, made: Made) -> int | None:
    """Return the number under which the registry holds a pair whole; None while it holds none."""
    return platform.mlflow.pair_of(registry.mlflow_name(project, model), made["digest"], made["run_id"])


def whole(platform: Platform, project: str, model: str, made: Made) -> int:
    """Return that number. ApiProblem 409 where the pair is not whole: only the registry's owner can mend it."""
    version = number_of(platform, project, model, made)
    if version is None:
        owner = platform.runtime.registry
        what = f"the pair of digest {made['digest']} is not whole in {owner}'s registry"
        fix = f"groundplan up {owner} registers it again, then groundplan up {platform.runtime.stack}"
        raise ApiProblem(409, what, path=f"{project}/model/{model}", fix=fix)
    return version


def adopt(work: Work, model: str, digest: str, kept: Mapping[str, Any]) -> int:
    """Make a pair visible here under its number in the registry; return it. Doing it again is harmless.

    ApiProblem 409 where it is not whole there, or its number means another pair here.
    """
    platform, project = work.platform, work.resource.project
    with locked(platform.engine, f"model/{registry.mlflow_name(project, model)}"):
        version = whole(platform, project, model, {"digest": digest, "run_id": kept["run_id"]})
        with platform.engine.connect() as connection:
            taken = registry.taken(connection, project, model, digest)
        if version in taken:
            what = f"version {version} of {platform.runtime.registry}'s registry was another pair here before"
            fix = f"groundplan down {platform.runtime.stack} --purge, then up: its pairs come again"
            raise ApiProblem(409, what, path=f"{project}/model/{model}", value=digest, fix=fix)
        with platform.engine.begin() as connection:
            registry.commit_pair(connection, project, model, version, {"digest": digest, **kept}, work.actor)
    return version


def refuse_other_numbers(platform: Platform, model: Resource) -> None:
    """Raise :class:`ApiProblem` 409 when pairs have come by the numbers of another registry than today's."""
    with platform.engine.connect() as connection:
        known = registry.pairs_of(connection, model.project, model.name)
    now = platform.runtime.registry
    other = [pair["version"] for pair in known if (pair["source"] or {}).get("registry") != now]
    if other:
        what = f"its pair versions {', '.join(map(str, other))} have numbers of another registry"
        fix = f"leave source.registry as it was, or groundplan down {platform.runtime.stack} --purge first"
        raise ApiProblem(409, what, path=model.id, value=f"registry {'shared' if now else 'own'}", fix=fix)
