"""What gates look at that has to be measured first: a Ray job that scores pairs and asks the candidate."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from groundplan.controlplane import registry
from groundplan.controlplane.context import Work
from groundplan.controlplane.kinds import jobs
from groundplan.controlplane.kinds.base import find
from groundplan.controlplane.kinds.features import describe
from groundplan.controlplane.kinds.pairs import usable
from groundplan.controlplane.kinds.trained_on import features_of
from groundplan.controlplane.problem import ApiProblem
from groundplan.controlplane.rules.case import Case
from groundplan.controlplane.rules.gates import needs_production, requests_of

Pair = Mapping[str, Any]


def measured(work: Work, gates: Sequence[Mapping[str, Any]], pair: Pair, case: Case) -> Case:
    """Return the case with the scores and answers that the gates need; runs a job where they need any."""
    requests = requests_of(gates)
    production = _production(work, case) if needs_production(gates, case) else None
    if production is None and needs_production(gates, case):
        case = replace(case, production=None)  # its pair is gone: there is nothing to be better than
    if production is None and not requests:
        return replace(case, answers=[])
    pairs = {"candidate": _described(work, pair, own=True)}
    if production is not None:
        pairs["production"] = _described(work, production, own=False)
        work.say(f"{work.resource.name}: measures {case.version} and {production['version']} on the same data")
    holdout = (pair.get("trained_on") or {}).get("holdout")
    if production is not None and not (holdout and work.platform.objects.exists(holdout)):
        what = f"the hold-out examples of pair version {case.version} were not kept: it cannot be compared"
        raise ApiProblem(409, what, path=work.resource.id, fix="change the declaration of the model, so that it trains")
    once = work.operation.replace(":", "-")  # once an operation: online features are other ones tomorrow
    inputs = {"holdout": {"uri": holdout}} if production is not None else {}
    result = jobs.run(work, "evaluate", once=once, inputs=inputs, pairs=pairs, requests=requests)
    answers = list(zip(requests, result.get("answers", []), strict=True))
    return replace(case, scores=result.get("scores"), answers=answers)


def _production(work: Work, case: Case) -> Pair | None:
    """Return production's pair, registered again where it lost a half; None when it is gone for good."""
    project, model = work.resource.project, work.resource.properties["model"]
    with work.platform.engine.connect() as connection:
        pair = registry.standing(connection, project, model, case.production) if case.production else None
    version = usable(work, model, pair) if pair else None
    if version is None:
        return None
    with work.platform.engine.connect() as connection:
        return registry.standing(connection, project, model, version)


def _described(work: Work, pair: Pair, own: bool) -> dict[str, Any]:
    """Return a pair as the job is told of it: where its halves lie, its features, and the rows that those come from."""
    project, model = work.resource.project, work.resource.properties["model"]
    features = features_of(work.platform, project, model, pair["version"])
    kept = (pair.get("trained_on") or {}).get("views", {})
    views = {view: _rows(work, view, given["fields"], kept.get(view), own) for view, given in features["views"].items()}
    halves = work.platform.mlflow.source_uris(registry.mlflow_name(project, model), pair["version"])
    return {**halves, "features": features, "views": views}


def _rows(work: Work, view: str, fields: Mapping[str, str], kept: Mapping[str, Any] | None, own: bool) -> Any:
    """Return the rows of a view that a pair is measured with.

    The candidate: those of its training. Production: today's, which it would be served with, as long as the view
    still has its fields; else those of its training, too.
    """
    found = find(work.platform, work.resource.project, "feature_view", view)
    today = describe(found) if found is not None and "uri" in found.outputs else None
    fits = today is not None and all(today["fields"].get(name) == kind for name, kind in fields.items())
    chosen = today if today is not None and fits and not (own and kept) else kept
    if chosen is None:
        raise ApiProblem(409, f"the feature view {view} has other fields now, and its rows of then were not kept")
    return {"uri": chosen["uri"], "timestamp": chosen["timestamp"], "ttl": chosen["ttl"]}
