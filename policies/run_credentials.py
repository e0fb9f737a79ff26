"""Refuses a pod with the credentials of the platform's runs that the control plane has not made."""

from _kubernetes import kubernetes_policy

POLICY = kubernetes_policy("run-credentials")
