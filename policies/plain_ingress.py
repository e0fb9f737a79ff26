"""Refuses an Ingress without TLS."""

from _kubernetes import kubernetes_policy

POLICY = kubernetes_policy("plain-ingress")
