"""Refuses a pod that mounts a token of the API server and does not say why."""

from _kubernetes import kubernetes_policy

POLICY = kubernetes_policy("api-token")
