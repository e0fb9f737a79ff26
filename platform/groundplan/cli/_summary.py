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
    pages = {name: path for name, path in PAGES.items() if name != "mlflow" or not platform.stack.owner}
    rows = [[name, f"{door}{path}"] for name, path in pages.items()]
    served = applications(projects)
    rows += [[f"features {each.spec.name}", f"{door}/feast/{each.spec.name}"] for each in projects]
    rows += [[f"predict {a.id}", f"{door}/serve/{a.id}"] for a in served]
    print_line()
    print_table(["endpoint", "address"], rows)
    print_line(_who(platform))
    if not platform.signed_in():
        env = platform.stack.name
        print_line(
            f"nobody is signed in here: a prediction is groundplan login {env}, then groundplan predict -e {env}"
        )
        return
    waits = _waiting(platform) if any(application.example for application in served) else {}
    for application in served:
        if application.id in waits:
            print_line(f"{application.id} {waits[application.id]}")
        elif application.example:
            print_line()
            _predict(platform, application)


def _waiting(platform: Platform) -> dict[str, str]:
    """Applications that have nothing to answer with yet, and for what they wait: for a pair, or for an approval."""
    found = platform.get("/status")["applications"]
    return {f"{a['project']}/{a['name']}": str(a["message"]) for a in found if a["status"] == "waiting"}


def _who(platform: Platform) -> str:
    """How one gets in: nothing behind the door answers without a token."""
    stack = platform.stack
    login = "groundplan login" if platform.local else f"groundplan login {stack.name}"
    if stack.services.identity != "local":
        return f"sign in: {login}, by {stack.services.identity}"
    users = ", ".join(stack.identity.users) or "nobody yet; declare users in `identity:`"
    return f"sign in: {login}, as {users}; passwords: pulumi stack output identities --show-secrets"


def _predict(platform: Platform, application: Application) -> None:
    answer = platform.predict(application.id, application.example)
    show_predictions(application, answer, metrics_of(platform, application, answer["model_version"]))
