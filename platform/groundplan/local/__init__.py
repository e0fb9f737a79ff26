"""The local target: a stack's services as supervised processes under a data folder that it owns (docs/adr/0005)."""
