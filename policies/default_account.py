"""Refuses a pod that runs as the namespace's default account."""

from _kubernetes import kubernetes_policy

POLICY = kubernetes_policy("default-account")
