"""The issuer's tables, version by version."""
