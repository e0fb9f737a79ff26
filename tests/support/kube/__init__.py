"""Kubernetes to test against without Docker: a real control plane, fake and real nodes (docs/kubernetes-tests.md)."""
