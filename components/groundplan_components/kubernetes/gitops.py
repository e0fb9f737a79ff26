"""Delivery by Git: the Argo CD Application that follows what ``groundplan render`` wrote."""

import pulumi

from groundplan.spec import GitOpsSpec, StackSpec
from groundplan_components.kubernetes.objects import Manifest, declare
from groundplan_components.kubernetes.place import Place, dns


class GitOps(pulumi.ComponentResource):
    """One Application. Argo CD itself is there already: whoever runs the cluster runs it."""

    def __init__(self, title: str, stack: StackSpec, place: Place, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("groundplan:kubernetes:GitOps", title, None, opts)
        if stack.gitops is not None:
            own = pulumi.ResourceOptions(parent=self)
            declare(f"{title}-application", application(stack.gitops, place), own)
        self.register_outputs({})


def application(spec: GitOpsSpec, place: Place) -> Manifest:
    """Return the Application (argo-cd ``manifests/crds/application-crd.yaml``).

    It heals drift and never prunes: what is no longer declared is removed by ``groundplan up``, which tells what it
    would remove. Applied server-side with the fields that are declared, like ``up`` does.
    """
    name = f"groundplan-{dns(place.stack)}"
    automatic = {"automated": {"prune": False, "selfHeal": True}} if spec.sync == "automatic" else {}
    metadata = {"name": name, "namespace": dns(spec.namespace), "labels": place.labels(name, "gitops")}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": metadata,
        "spec": {
            "project": "default",
            "source": {"repoURL": spec.repository, "targetRevision": spec.revision, "path": spec.path},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": place.namespace},
            "syncPolicy": {**automatic, "syncOptions": ["ServerSideApply=true", "CreateNamespace=false"]},
        },
    }
