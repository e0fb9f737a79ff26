"""Runs of users' code kept apart: limits that are enforced, and no more to read and write than the run needs.

``keeper`` is the job that Ray starts: it makes the run's folder and credentials, starts the run as a process of its
own, watches it, and leaves nothing of it. ``enter`` is the run's first step: it gives up what it does not need.
"""
