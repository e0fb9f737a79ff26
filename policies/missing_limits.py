"""Refuses a container without limits of CPU and memory."""

from _kubernetes import kubernetes_policy

POLICY = kubernetes_policy("missing-limits")
