"""Tenancy: what keeps the teams of a cluster apart."""

from groundplan_components.kubernetes.tenancy.component import Tenancy, TenancyArgs

__all__ = ["Tenancy", "TenancyArgs"]
