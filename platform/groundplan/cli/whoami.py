"""``groundplan whoami``."""

from groundplan.cli._app import ENV, JSON, command_app
from groundplan.cli._checkout import open_checkout
from groundplan.cli._console import print_json, print_line
from groundplan.cli._platform import open_platform
from groundplan.cli._provider import open_provider
from groundplan.cli._tokens import access_token

app = command_app()


@app.command(epilog="groundplan whoami · groundplan whoami --json")
def whoami(env: str = ENV, json: bool = JSON) -> None:
    """Who you are to the platform, your groups, and the roles that they hold, as PROJECT:ROLE (*: all projects)."""
    platform = open_platform(open_checkout(env))
    provider = open_provider(platform)
    found = provider.whoami(access_token(platform, provider))
    if json:
        print_json(found)
        return
    print_line(f"{found['sub']} ({found.get('name', found['sub'])}) at {provider.issuer}")
    print_line(f"groups: {', '.join(found.get('groups') or ['none'])}")
    print_line(f"roles: {', '.join(found.get('roles') or ['none: you may do nothing'])}")
