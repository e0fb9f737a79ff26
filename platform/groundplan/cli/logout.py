"""``groundplan logout``."""

from groundplan.cli._app import ENV, command_app
from groundplan.cli._checkout import open_checkout
from groundplan.cli._console import print_line, say
from groundplan.cli._platform import open_platform
from groundplan.cli._provider import open_provider
from groundplan.cli._tokens import open_tokens
from groundplan.errors import GroundplanError

app = command_app()


@app.command(epilog="groundplan logout")
def logout(env: str = ENV) -> None:
    """Sign out on this machine: the issuer ends the sign-in, the file with its tokens is removed."""
    platform = open_platform(open_checkout(env))
    provider = open_provider(platform)
    tokens = open_tokens(platform, provider)
    try:
        kept = tokens.read()
        if kept and kept.refresh_token:
            provider.revoke(kept.refresh_token, kept.client_id)
    except GroundplanError as error:
        # The file goes whatever the issuer says: nobody is to stay signed in because it is down.
        say(f"the issuer was not told: {error}")
        kept = None
    there = tokens.path.exists()
    tokens.forget()
    print_line(f"{env}: {'signed out' if there else 'nobody was signed in'}")
