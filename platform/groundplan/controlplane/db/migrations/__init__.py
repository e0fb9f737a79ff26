"""Migrations, in order; one that has landed is never edited."""
