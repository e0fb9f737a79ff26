"""Where workloads go: a namespace with the labels and defaults that everything in it has."""

from collections.abc import Mapping
from dataclasses import dataclass, field

PART_OF = "groundplan"
MANAGED_BY = "pulumi"
#: Beginning of our own labels.
OWN = "groundplan.dev"


def dns(name: str) -> str:
    """Return a name of ours (``snake_case``) as Kubernetes wants it: ``kebab-case``, at most 63 characters."""
    return name.replace("_", "-").lower()[:63].rstrip("-")


@dataclass(frozen=True)
class Place:
    """A namespace: the platform's own, or a team's. ``project`` and ``team`` are empty for the platform's."""

    namespace: str
    stack: str
    stack_id: str
    digest: str = ""
    project: str = ""
    team: str = ""
    storage_class: str | None = None
    pull_secret: str | None = None
    keep: bool = True
    extra: Mapping[str, str] = field(default_factory=dict)

    def labels(self, name: str, component: str) -> dict[str, str]:
        """Return the labels of one object. None of them changes with a release: selectors hold two of them."""
        own = {"stack": self.stack, "project": self.project, "team": self.team, "digest": self.digest}
        return {
            **self.selector(name),
            "app.kubernetes.io/part-of": PART_OF,
            "app.kubernetes.io/managed-by": MANAGED_BY,
            "app.kubernetes.io/component": component,
            **{f"{OWN}/{key}": dns(value) for key, value in own.items() if value},
            **self.extra,
        }

    def selector(self, name: str) -> dict[str, str]:
        """Return what a workload's pods are found by. Immutable in Kubernetes: the same for ever."""
        return {"app.kubernetes.io/name": name, "app.kubernetes.io/instance": dns(self.stack)}

    def metadata(self, name: str, component: str) -> dict[str, object]:
        """Return the metadata of one namespaced object."""
        return {"name": name, "namespace": self.namespace, "labels": self.labels(name, component)}
