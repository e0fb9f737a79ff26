"""``groundplan token``."""

import typer

from groundplan.cli._app import ENV, command_app
from groundplan.cli._checkout import open_checkout
from groundplan.cli._console import print_line
from groundplan.cli._platform import open_platform
from groundplan.cli._provider import open_provider
from groundplan.cli._tokens import access_token

app = command_app()


@app.command(
    epilog='curl --cacert .groundplan/local/gateway/tls/ca.pem -H "Authorization: Bearer $(groundplan token)" …'
)
def token(
    env: str = ENV,
    client_id: str = typer.Option(None, "--client-id", metavar="ID", help="A service account instead of a person."),
    client_secret_file: str = typer.Option(None, "--client-secret-file", metavar="FILE", help="Where its secret is."),
) -> None:
    """Print an access token for other programs, fresh for at least half a minute; `groundplan login` comes first.

    A service account needs no login: GROUNDPLAN_CLIENT_ID and GROUNDPLAN_CLIENT_SECRET_FILE, or the options. The
    secrets of service accounts: pulumi stack output identities --show-secrets
    """
    platform = open_platform(open_checkout(env))
    print_line(access_token(platform, open_provider(platform), client_id, client_secret_file))
