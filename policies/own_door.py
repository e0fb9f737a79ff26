"""Refuses a team's Service that can be reached from outside the cluster."""

from _kubernetes import kubernetes_policy

POLICY = kubernetes_policy("own-door")
