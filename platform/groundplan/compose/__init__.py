"""Composition of what people write, by Hydra, into valid specs."""

from groundplan.compose.load import environments, load, load_stack
from groundplan.spec import LoadedProject

__all__ = ["LoadedProject", "environments", "load", "load_stack"]
