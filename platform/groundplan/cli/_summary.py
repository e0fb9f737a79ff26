"""What `up` ends with: where everything answers, and a real prediction."""

from collections.abc import Sequence

from groundplan.cli._console import print_line, print_table
from groundplan.cli._platform import Platform
from groundplan.cli._predictions import Application, applications, metrics_of, show_predictions
from groundplan.spec import LoadedProject

#: What people open, and where behind the gateway, the one door.
PAGES = {"gateway": "", "catalogue": "/catalogue/", "mlflow": "/mlflow/", "ray": "/ray/"}


def summarize(platform: Platform, projects: Sequence[LoadedProject]) -> None:
    """Print where everything is reached, and for every application with an example a prediction and both errors."""
    door = platform.address("gateway")
    rows = [[name, f"{door}{path}"] for name, path in PAGES.items()]
    served = applications(projects)
    rows += [[f"features {each.spec.name}", f"{door}/feast/{each.spec.name}"] for each in projects]
    rows += [[f"predict {a.id}", f"{door}/serve/{a.id}"] for a in served]
    print_line()
    print_table(["endpoint", "address"], rows)
    print_line(_who(platform))
    for application in served:
        if application.example:
            print_line()
            _predict(platform, application)


def _who(platform: Platform) -> str:
    """How one gets in: nothing behind the door answers without a token."""
    stack = platform.stack
    if stack.services.identity != "local":
        return f"sign in: groundplan login, by {stack.services.identity}"
    users = ", ".join(stack.identity.users) or "nobody yet; declare users in `identity:`"
    return f"sign in: groundplan login, as {users}; passwords: pulumi stack output identities --show-secrets"


def _predict(platform: Platform, application: Application) -> None:
    answer = platform.predict(application.id, application.example)
    show_predictions(application, answer, metrics_of(platform, application, answer["model_version"]))
