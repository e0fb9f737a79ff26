"""Where output goes: answers to standard output (plain in a pipe), messages to standard error."""

import json
import sys
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from groundplan.tools.progress import say

__all__ = ["print_json", "print_line", "print_table", "say"]


def print_json(value: Any) -> None:
    """Print ``value`` as JSON, the same bytes for the same value."""
    typer.echo(json.dumps(value, indent=2, sort_keys=True, default=str))


def print_line(text: str = "") -> None:
    """Print one line of the answer."""
    typer.echo(text)


def print_table(columns: list[str], rows: list[list[Any]], title: str = "") -> None:
    """Print a table; in a pipe as tab-separated lines, which other programs read."""
    if not sys.stdout.isatty():
        _print_tabs(columns, rows, title)
        return
    table = Table(*columns, title=title or None, title_justify="left", box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(*(_text(cell) for cell in row))
    Console(highlight=False).print(table)


def _print_tabs(columns: list[str], rows: list[list[Any]], title: str) -> None:
    if title:
        typer.echo(f"# {title}")
    for row in [columns, *rows]:
        typer.echo("\t".join(_text(cell) for cell in row))


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    return f"{cell:.4g}" if isinstance(cell, float) else str(cell)
