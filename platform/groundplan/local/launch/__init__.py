"""Launchers: what supervisord runs, in the runtime's environment. Standard library only; each ends in ``exec``."""
