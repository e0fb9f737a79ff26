"""From a manifest, as Kubernetes documents it, to a resource of pulumi-kubernetes.

Manifests are plain dictionaries, so that what is applied, rendered (``groundplan render``) and tested is one thing.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from groundplan.errors import GroundplanError
from groundplan.messages import allow_deep_messages

# The engine tells a program what became of each object: a CRD's schema nests deeper than the parser takes by default.
allow_deep_messages()

Manifest = dict[str, Any]
#: Annotation of what nobody waits for: its pods are waited for themselves, or come long after this deployment.
UNAWAITED = {"pulumi.com/skipAwait": "true"}

#: (apiVersion, kind) → class. What is not here and has a group of its own is a custom resource.
CLASSES: Mapping[tuple[str, str], Callable[..., pulumi.CustomResource]] = {
    ("v1", "Namespace"): k8s.core.v1.Namespace,
    ("v1", "ConfigMap"): k8s.core.v1.ConfigMap,
    ("v1", "Secret"): k8s.core.v1.Secret,
    ("v1", "Service"): k8s.core.v1.Service,
    ("v1", "ServiceAccount"): k8s.core.v1.ServiceAccount,
    ("v1", "PersistentVolumeClaim"): k8s.core.v1.PersistentVolumeClaim,
    ("v1", "ResourceQuota"): k8s.core.v1.ResourceQuota,
    ("v1", "LimitRange"): k8s.core.v1.LimitRange,
    ("apps/v1", "Deployment"): k8s.apps.v1.Deployment,
    ("apps/v1", "StatefulSet"): k8s.apps.v1.StatefulSet,
    ("apps/v1", "DaemonSet"): k8s.apps.v1.DaemonSet,
    ("batch/v1", "Job"): k8s.batch.v1.Job,
    ("batch/v1", "CronJob"): k8s.batch.v1.CronJob,
    ("policy/v1", "PodDisruptionBudget"): k8s.policy.v1.PodDisruptionBudget,
    ("autoscaling/v2", "HorizontalPodAutoscaler"): k8s.autoscaling.v2.HorizontalPodAutoscaler,
    ("networking.k8s.io/v1", "NetworkPolicy"): k8s.networking.v1.NetworkPolicy,
    ("networking.k8s.io/v1", "Ingress"): k8s.networking.v1.Ingress,
    ("rbac.authorization.k8s.io/v1", "Role"): k8s.rbac.v1.Role,
    ("rbac.authorization.k8s.io/v1", "RoleBinding"): k8s.rbac.v1.RoleBinding,
    ("rbac.authorization.k8s.io/v1", "ClusterRole"): k8s.rbac.v1.ClusterRole,
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"): k8s.rbac.v1.ClusterRoleBinding,
    ("storage.k8s.io/v1", "StorageClass"): k8s.storage.v1.StorageClass,
    ("scheduling.k8s.io/v1", "PriorityClass"): k8s.scheduling.v1.PriorityClass,
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"): k8s.apiextensions.v1.CustomResourceDefinition,
    (
        "admissionregistration.k8s.io/v1",
        "MutatingWebhookConfiguration",
    ): k8s.admissionregistration.v1.MutatingWebhookConfiguration,
    (
        "admissionregistration.k8s.io/v1",
        "ValidatingWebhookConfiguration",
    ): k8s.admissionregistration.v1.ValidatingWebhookConfiguration,
    (
        "admissionregistration.k8s.io/v1",
        "ValidatingAdmissionPolicy",
    ): k8s.admissionregistration.v1.ValidatingAdmissionPolicy,
    (
        "admissionregistration.k8s.io/v1",
        "ValidatingAdmissionPolicyBinding",
    ): k8s.admissionregistration.v1.ValidatingAdmissionPolicyBinding,
}


def declare(title: str, manifest: Manifest, opts: pulumi.ResourceOptions) -> pulumi.CustomResource:
    """Register one object. ``title`` is its name in Pulumi, part of its identity: it never changes.

    GroundplanError for a kind of Kubernetes' own that :data:`CLASSES` does not list, and for an object without a name.
    """
    found = (str(manifest["apiVersion"]), str(manifest["kind"]))
    if not manifest.get("metadata", {}).get("name"):
        raise GroundplanError(f"{title}: a {found[1]} without metadata.name")
    body = {_snake(key): value for key, value in manifest.items() if key not in ("apiVersion", "kind")}
    if found in CLASSES:
        known: pulumi.CustomResource = CLASSES[found](title, **body, opts=opts)
        return known
    if "." not in found[0].partition("/")[0]:
        raise GroundplanError(f"{title}: {found[0]} {found[1]} is not among the kinds of objects.CLASSES")
    foreign = k8s.apiextensions.CustomResource
    own: pulumi.CustomResource = foreign(title, api_version=found[0], kind=found[1], **body, opts=opts)
    return own


def _snake(key: str) -> str:
    """A manifest's top-level key as the argument of a class: ``stringData`` → ``string_data``."""
    return re.sub(r"(?<!^)([A-Z])", r"_\1", key).lower()
