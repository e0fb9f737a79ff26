"""``groundplan images``."""

import typer

from groundplan.cli._app import JSON, command_app
from groundplan.cli._checkout import open_checkout
from groundplan.cli._console import print_json, print_table, say
from groundplan.compose import load_stack
from groundplan.errors import GroundplanError
from groundplan.images.build import build as build_all
from groundplan.images.build import push as push_all
from groundplan.images.build import references

app = command_app()


@app.command(epilog="groundplan images · groundplan images kind --build · groundplan images production --build --push")
def images(
    env: str = typer.Argument("kind", metavar="[ENV]", help="The environment: stacks/<ENV>.yaml.", show_default=True),
    build: bool = typer.Option(False, "--build", help="Build with Docker those that it does not have yet."),
    push: bool = typer.Option(False, "--push", help="Send them to the registry of the environment."),
    base: str | None = typer.Option(None, "--base", metavar="IMAGE", help="Another base image, as name@sha256:…"),
    json: bool = JSON,
) -> None:
    """The platform's own images for a cluster: their names, tagged by the digest of what is in them.

    The same tag is the same lock file, code and Dockerfile, on every machine; an edit of any makes another tag.
    """
    checkout = open_checkout(env)
    spec = load_stack(checkout.root, env).cluster.images
    if base and "@sha256:" not in base:
        raise GroundplanError(f"--base: an image that can become another one; got {base}; allowed: name@sha256:…")
    if build:
        build_all(checkout.root, spec.registry, base, say)
    if push:
        push_all(checkout.root, spec.registry, say)
    found = {**references(checkout.root, spec.registry), **{str(name): image for name, image in spec.pins.items()}}
    if json:
        print_json(found)
    else:
        print_table(["image", "reference"], [list(pair) for pair in found.items()])
