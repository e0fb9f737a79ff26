"""Refuses a container that keeps capabilities or may gain privileges."""

from _kubernetes import kubernetes_policy

POLICY = kubernetes_policy("unconfined")
