"""What `up` ends with: where everything answers, and a real prediction."""

from collections.abc import Sequence

from groundplan.cli._console import print_line, print_table
from groundplan.cli._platform import Platform
from groundplan.cli._predictions import Application, applications, metrics_of, show_predictions
from groundplan.spec import LoadedProject

ENDPOINTS = ("controlplane", "mlflow", "ray", "objects")


def summarize(platform: Platform, projects: Sequence[LoadedProject]) -> None:
    """Print the endpoints, and for every application with an example a prediction beside both errors."""
    rows = [[name, platform.address(name)] for name in ENDPOINTS]
    served = applications(projects)
    rows += [[f"predict {a.id}", platform.application(a.id)] for a in served]
    print_line()
    print_table(["endpoint", "address"], rows)
    for application in served:
        if application.example:
            print_line()
            _predict(platform, application)


def _predict(platform: Platform, application: Application) -> None:
    answer = platform.predict(application.id, application.example)
    show_predictions(application, answer, metrics_of(platform, application, answer["model_version"]))
