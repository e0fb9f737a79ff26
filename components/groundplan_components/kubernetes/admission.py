"""The component that puts the stack's rules into the API server."""

from collections.abc import Sequence

import pulumi

from groundplan.rules import Settings, admission_manifests
from groundplan.spec import StackSpec
from groundplan_components.kubernetes.objects import declare
from groundplan_components.kubernetes.place import Place
from groundplan_components.kubernetes.tenancy.component import admission_name


class Admission(pulumi.ComponentResource):
    """ValidatingAdmissionPolicies over the namespaces of a stack: built into the API server, nothing to install.

    ``images``: references that the release itself names, allowed as they are. ``ready``: what must stand before
    anything is applied that the rules are to judge.
    """

    ready: Sequence[pulumi.Resource]

    def __init__(
        self,
        title: str,
        stack: StackSpec,
        place: Place,
        images: Sequence[str] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("groundplan:kubernetes:Admission", title, None, opts)
        settings = settings_of(stack, place.namespace, images)
        name = admission_name(stack.name)
        labels = place.labels(name, "admission")
        own = pulumi.ResourceOptions(parent=self)
        self.ready = [
            declare(f"{title}-{_end(manifest, name)}", manifest, own)
            for manifest in admission_manifests(name, settings, stack.admission.mode, labels)
        ]
        self.register_outputs({"mode": stack.admission.mode})


def settings_of(stack: StackSpec, platform: str, images: Sequence[str]) -> Settings:
    """Return what a stack's rules depend on."""
    registries = {stack.cluster.images.registry, *stack.admission.registries}
    return Settings(tuple(sorted(registries)), platform, tuple(sorted(set(images))))


def _end(manifest: dict[str, object], name: str) -> str:
    metadata = manifest["metadata"]
    assert isinstance(metadata, dict)  # noqa: S101 - made above
    kind = "binding" if str(manifest["kind"]).endswith("Binding") else "policy"
    return f"{kind}-{str(metadata['name']).removeprefix(name + '-')}"
