"""Refuses a privileged container."""

from _kubernetes import kubernetes_policy

POLICY = kubernetes_policy("privileged")
