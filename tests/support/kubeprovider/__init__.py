"""A stand-in for the official pulumi-kubernetes plugin, for tests only (docs/kubernetes-tests.md).

The official plugin is in no package registry, so an air-gapped CI cannot have it. This one speaks the same protocol for
what the components use: any object of any kind, one resource each, by server-side apply. It follows the official
plugin where the difference would decide whether the product works: which changes replace an object, when a conflict of
field managers is an error (it is, unless ``PULUMI_K8S_ENABLE_PATCH_FORCE`` or the annotation ``pulumi.com/patchForce``
says otherwise), what ``up`` waits for, that a preview works with no cluster. It is stricter in two things: unknown
fields are refused, and every object has to carry its own name. It knows no Helm, no Kustomize, no ``*Patch`` and
``*List`` types, no client-side apply, no ``yaml/v2``, no ingress or load balancer awaits, and of ``waitFor`` only
conditions. It is never shipped.
"""
