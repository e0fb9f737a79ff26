"""Checks that need more than the spec: SQL bound against its real schema."""

from groundplan.checks.sql import check_sql

__all__ = ["check_sql"]
