"""Refuses a pod that shares the node's network, processes or files."""

from _kubernetes import kubernetes_policy

POLICY = kubernetes_policy("host-access")
