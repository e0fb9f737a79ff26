"""``groundplan new project``: a small project that works at once."""

from groundplan.scaffold.new import add_to_stack, new_project

__all__ = ["add_to_stack", "new_project"]
