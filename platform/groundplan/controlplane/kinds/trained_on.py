"""The features of a model, as serving reads them: the document FEATURES of the contract."""

from typing import Any

from groundplan.controlplane import registry
from groundplan.controlplane.context import Platform
from groundplan.controlplane.kinds import jobs
from groundplan.controlplane.kinds.base import need


def features_of(platform: Platform, project: str, model: str, version: int) -> dict[str, Any]:
    """Return the features that a pair version was trained on.

    A pair that was made before they were kept is served with those that its model declares today.
    """
    with platform.engine.connect() as connection:
        kept = registry.features_of(connection, project, model, version)
    if kept is not None:
        return kept
    return declared_features(platform, project, need(platform, project, "model", model).properties["feature_service"])


def declared_features(platform: Platform, project: str, feature_service: str) -> dict[str, Any]:
    """Return what a feature service is as declared today: its views, their fields and entities.

    ApiProblem 409 when one of them is not there.
    """
    service = need(platform, project, "feature_service", feature_service)
    views = {view: need(platform, project, "feature_view", view).properties for view in service.properties["views"]}
    names = sorted({name for view in views.values() for name in view["entities"]})
    entities = jobs.entities_of(platform, project, names)
    return {
        "name": service.name,
        "views": {
            name: {
                "join_keys": {entities[e]["join_key"]: entities[e]["type"] for e in view["entities"]},
                "fields": {field: view["fields"][field] for field in service.properties["views"][name]},
            }
            for name, view in views.items()
        },
        "entities": {n: {key: e[key] for key in ("join_key", "type")} for n, e in entities.items()},
    }
