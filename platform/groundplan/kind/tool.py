"""Kind's and Docker's own programs: every way in which they fail is one clear line."""

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from groundplan.errors import ServiceError, ToolError

KIND, DOCKER = "kind", "docker"
WHERE = {
    KIND: "https://kind.sigs.k8s.io/docs/user/quick-start/#installation",
    DOCKER: "https://docs.docker.com/engine/install/",
}
MEGABYTE = 2**20


def require() -> None:
    """Raise :class:`ToolError` unless both programs are there and Docker answers."""
    for program in (KIND, DOCKER):
        if shutil.which(program) is None:
            raise ToolError(f"{program} is not installed, and target kind needs it; fix: {WHERE[program]}")
    memory_mb()


def memory_mb() -> int:
    """Return how much memory Docker has, in MiB. ToolError when Docker does not answer."""
    done = _run([DOCKER, "info", "--format", "{{json .MemTotal}}"])
    if done.returncode:
        raise ToolError(f"Docker does not answer: {_last(done)}; fix: start Docker, or add this user to its group")
    try:
        return int(json.loads(done.stdout)) // MEGABYTE
    except (ValueError, TypeError):
        raise ToolError(f"Docker does not answer: {_last(done)}; fix: start Docker") from None


def clusters() -> list[str]:
    """Return the names of the clusters that Kind runs on this machine."""
    return _kind("get", "clusters").split()


def create(name: str, document: Mapping[str, Any], kubeconfig: str) -> None:
    """Make a cluster and wait until its control plane is ready. What a failure leaves behind is removed."""
    try:
        _kind(
            "create", "cluster", "--name", name, "--config", "-", "--kubeconfig", kubeconfig, "--wait", "300s",
            given=json.dumps(document),
        )  # fmt: skip
    except ServiceError:
        delete(name, kubeconfig)
        raise


def delete(name: str, kubeconfig: str) -> None:
    """Remove a cluster with all that is in it; harmless when there is none."""
    _kind("delete", "cluster", "--name", name, "--kubeconfig", kubeconfig)


def kubeconfig(name: str) -> str:
    """Return the administrator's kubeconfig of a cluster."""
    return _kind("get", "kubeconfig", "--name", name)


def nodes(name: str) -> list[str]:
    """Return the names of a cluster's nodes, which are containers'."""
    return sorted(_kind("get", "nodes", "--name", name).split())


def start(containers: Sequence[str]) -> None:
    """Start nodes that a reboot left stopped."""
    done = _run([DOCKER, "start", *containers])
    if done.returncode:
        raise ServiceError(f"the nodes do not start: {_last(done)}; fix: docker logs {containers[0]}")


def stop(containers: Sequence[str]) -> None:
    """Stop nodes; what is on them stays."""
    done = _run([DOCKER, "stop", *containers])
    if done.returncode:
        raise ServiceError(f"the nodes do not stop: {_last(done)}; fix: docker ps")


def has_image(image: str) -> bool:
    """Return whether Docker has an image of that name."""
    return _run([DOCKER, "image", "inspect", image]).returncode == 0


def load(name: str, image: str) -> None:
    """Put an image of Docker on every node."""
    _kind("load", "docker-image", image, "--name", name)


def _kind(*words: str, given: str | None = None) -> str:
    done = _run([KIND, *words], given)
    if done.returncode:
        raise ServiceError(f"kind {' '.join(words[:2])}: {_last(done)}")
    return done.stdout


def _run(command: Sequence[str], given: str | None = None) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, input=given, capture_output=True, text=True)
    except FileNotFoundError:
        raise ToolError(f"{command[0]} is not installed; fix: {WHERE.get(command[0], 'install it')}") from None


def _last(done: subprocess.CompletedProcess[str]) -> str:
    """The line that says why: the one that says ERROR, or the last."""
    lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    told = [line for line in lines if line.upper().startswith("ERROR")]
    return (told or lines or [f"exit code {done.returncode}"])[-1]
