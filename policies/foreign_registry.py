"""Refuses an image from a registry that the stack does not name."""

from _kubernetes import kubernetes_policy

POLICY = kubernetes_policy("foreign-registry")
