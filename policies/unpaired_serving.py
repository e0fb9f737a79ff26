"""Refuses a serving pod that does not say which pair version it answers with."""

from _kubernetes import kubernetes_policy

POLICY = kubernetes_policy("unpaired-serving")
