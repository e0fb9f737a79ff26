"""Predictions beside how good they are: the model's error and that of the naive forecast it had to beat."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from groundplan.cli._console import print_line
from groundplan.cli._platform import Platform
from groundplan.errors import GroundplanError
from groundplan.spec import LoadedProject


@dataclass(frozen=True)
class Application:
    """A declared serving application."""

    project: LoadedProject
    name: str

    @property
    def id(self) -> str:
        """``<project>/<application>``, as people name it."""
        return f"{self.project.spec.name}/{self.name}"

    @property
    def model(self) -> str:
        """The model that it serves."""
        return self.project.spec.serving[self.name].model

    @property
    def target(self) -> str:
        """What is predicted: the name of the column it learned from."""
        return self.project.spec.training[self.model].examples.target

    @property
    def types(self) -> dict[str, str]:
        """Join key → type of every entity that its features are looked up by."""
        spec = self.project.spec
        views = spec.feature_services[spec.training[self.model].feature_service].views
        names = dict.fromkeys(name for view in views for name in spec.feature_views[view].entities)
        return {spec.entities[name].join_key: spec.entities[name].type for name in names}

    @property
    def example(self) -> list[dict[str, Any]]:
        """The entities that the declaration gives as an example; empty when it gives none."""
        return [dict(entity) for entity in self.project.spec.serving[self.name].example]


def applications(projects: Sequence[LoadedProject]) -> list[Application]:
    """All declared serving applications, by id."""
    return [Application(project, name) for project in projects for name in sorted(project.spec.serving)]


def find_application(projects: Sequence[LoadedProject], wanted: str) -> Application:
    """The application of that id, or the only one where none is named."""
    known = {application.id: application for application in applications(projects)}
    if not wanted and len(known) == 1:
        return next(iter(known.values()))
    if wanted not in known:
        what = f"no serving application {wanted!r}" if wanted else "say which serving application"
        raise GroundplanError(f"{what}; there is: {', '.join(known) or 'none'}")
    return known[wanted]


def metrics_of(platform: Platform, application: Application, version: int | None) -> dict[str, float]:
    """Metrics of one pair version as the registry keeps them; none where several answered."""
    path = f"/registry/models/{application.project.spec.name}/{application.model}/versions"
    for row in platform.get(path)["versions"]:
        if row["version"] == version:
            return dict(row.get("metrics") or {})
    return {}


def show_predictions(application: Application, answer: dict[str, Any], metrics: dict[str, float]) -> None:
    """Print an answer as a table, with the model's error beside the naive forecast's."""
    one = answer["alias"] is not None
    who = f"pair version {answer['model_version']}, alias {answer['alias']}" if one else "by weights over aliases"
    print_line(f"prediction of {application.id} ({who})")
    rows = [
        [*map(str, p["entity"].values()), f"{p['value']:.2f}", *_answered_by(p, one)] for p in answer["predictions"]
    ]
    more = [] if one else ["answered by"]
    keys = [*answer["predictions"][0]["entity"], application.target, *more] if rows else []
    widths = [max(len(row[i]) for row in [keys, *rows]) for i in range(len(keys))]
    for row in [keys, *rows]:
        print_line("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    if {"mae", "baseline_mae"} <= metrics.keys():
        print_line(f"mean absolute error: model {metrics['mae']:.3f} · naive baseline {metrics['baseline_mae']:.3f}")


def _answered_by(prediction: dict[str, Any], one: bool) -> list[str]:
    return [] if one else [f"{prediction['alias']} ({prediction['version']})"]
