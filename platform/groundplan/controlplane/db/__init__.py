"""The control plane's tables, their migrations, and locks."""
