"""Refuses a secret written into the environment of a container."""

from _kubernetes import kubernetes_policy

POLICY = kubernetes_policy("plain-secret")
