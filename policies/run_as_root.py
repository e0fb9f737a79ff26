"""Refuses a container that may run as root."""

from _kubernetes import kubernetes_policy

POLICY = kubernetes_policy("run-as-root")
