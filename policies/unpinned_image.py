"""Refuses an image named by a tag."""

from _kubernetes import kubernetes_policy

POLICY = kubernetes_policy("unpinned-image")
