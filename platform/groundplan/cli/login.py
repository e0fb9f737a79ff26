"""``groundplan login``."""

import webbrowser

import typer

from groundplan.cli._app import ENV, command_app
from groundplan.cli._checkout import open_checkout
from groundplan.cli._console import print_line, say
from groundplan.cli._loopback import sign_in
from groundplan.cli._platform import open_platform
from groundplan.cli._provider import open_provider
from groundplan.cli._tokens import by_secret, machine, open_tokens

app = command_app()


@app.command(epilog="groundplan login · groundplan login --client-id ci --client-secret-file ~/.secrets/ci")
def login(
    env: str = ENV,
    browser: bool = typer.Option(True, "--browser/--no-browser", help="Open the address in a browser."),
    wait: int = typer.Option(300, "--wait", min=1, metavar="SECONDS", help="How long to wait for you."),
    client_id: str = typer.Option(None, "--client-id", metavar="ID", help="A service account instead of a person."),
    client_secret_file: str = typer.Option(None, "--client-secret-file", metavar="FILE", help="Where its secret is."),
) -> None:
    """Sign in, in your browser; commands then speak for you. Machines give the id and secret of a service account.

    Users and what they may do are declared in stacks/ENV.yaml (identity, access). Their passwords are generated:
    eval "$(groundplan env local)" && pulumi stack output identities --show-secrets -s local
    """
    platform = open_platform(open_checkout(env))
    provider = open_provider(platform)
    tokens = open_tokens(platform, provider)
    account = machine(client_id, client_secret_file)
    if account:
        kept = tokens.keep(*by_secret(provider, *account))
    else:
        kept = tokens.keep(sign_in(provider, lambda address: _show(address, browser), wait))
    print_line(f"{env}: signed in as {provider.whoami(kept.access_token)['sub']}; kept in {tokens.path}")


def _show(address: str, browser: bool) -> None:
    say(f"sign in at {address}")
    if browser:
        webbrowser.open(address)
