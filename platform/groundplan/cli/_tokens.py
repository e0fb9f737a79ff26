"""The tokens of whoever is signed in on this machine: a 0600 file, fresh whenever one is asked for."""

import hashlib
import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from groundplan.cli._gateway import chosen
from groundplan.cli._loopback import CLIENT
from groundplan.cli._provider import Provider
from groundplan.errors import GroundplanError, Refused
from groundplan.local.folder import private, write_private

if TYPE_CHECKING:
    from groundplan.cli._platform import Platform

#: A token that ends sooner is fetched anew: it must last for what is done with it, in seconds.
EARLY = 30
ID, SECRET_FILE = "GROUNDPLAN_CLIENT_ID", "GROUNDPLAN_CLIENT_SECRET_FILE"


@dataclass(frozen=True)
class Kept:
    """What is kept of a sign-in. A service account keeps where its secret lies, not the secret."""

    issuer: str
    access_token: str
    expires_at: float
    refresh_token: str | None = None
    client_id: str = CLIENT
    client_secret_file: str | None = None


class Tokens:
    """The sign-in at one issuer, kept in ``path``."""

    def __init__(self, provider: Provider, path: Path) -> None:
        self.provider = provider
        self.path = path

    def keep(self, answer: dict[str, Any], client_id: str = CLIENT, secret_file: str | None = None) -> Kept:
        """Write what the token endpoint gave; return it."""
        expires = time.time() + float(answer.get("expires_in", 0))
        kept = Kept(
            self.provider.issuer, answer["access_token"], expires, answer.get("refresh_token"), client_id, secret_file
        )
        private(self.path.parent)
        write_private(self.path, json.dumps(asdict(kept), indent=2) + "\n")
        return kept

    def access(self) -> str:
        """Return an access token that lasts for a while yet. Refused when nobody is signed in any more."""
        private(self.path.parent)
        # One at a time: a refresh token that is used twice ends the sign-in.
        with FileLock(f"{self.path}.lock", mode=0o600):
            kept = self.read()
            if kept is None:
                raise Refused("nobody is signed in; fix: groundplan login")
            if kept.expires_at - EARLY > time.time():
                return kept.access_token
            return self._renewed(kept).access_token

    def read(self) -> Kept | None:
        """Return what is kept of a sign-in at this issuer, None when nothing is."""
        try:
            kept = Kept(**json.loads(self.path.read_text()))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError):
            raise GroundplanError(f"{self.path} is damaged; fix: groundplan logout, then groundplan login") from None
        return kept if kept.issuer == self.provider.issuer else None

    def forget(self) -> None:
        """Remove what is kept."""
        self.path.unlink(missing_ok=True)

    def _renewed(self, kept: Kept) -> Kept:
        if kept.client_secret_file:
            return self.keep(*by_secret(self.provider, kept.client_id, kept.client_secret_file))
        if not kept.refresh_token:
            raise Refused("the sign-in has ended; fix: groundplan login")
        fields = {"grant_type": "refresh_token", "refresh_token": kept.refresh_token, "client_id": kept.client_id}
        try:
            # An issuer that does not rotate refresh tokens sends none back.
            return self.keep({"refresh_token": kept.refresh_token, **self.provider.tokens(fields)})
        except Refused as error:
            self.forget()
            raise Refused(f"the sign-in has ended ({error}); fix: groundplan login") from None


def open_tokens(platform: "Platform", provider: Provider) -> Tokens:
    """Return the sign-in at a stack: kept in its data folder, or where there is none, in the user's own settings."""
    if platform.data.exists() and chosen() is None:
        return Tokens(provider, platform.data / "login" / "tokens.json")
    settings = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    name = hashlib.sha256(provider.issuer.encode()).hexdigest()[:16]
    return Tokens(provider, settings / "groundplan" / f"{name}.json")


def by_secret(provider: Provider, client_id: str, secret_file: str) -> tuple[dict[str, Any], str, str]:
    """Return a service account's token, its id and where its secret lies, by client credentials (RFC 6749, 4.4)."""
    try:
        secret = Path(secret_file).expanduser().read_text().strip()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        raise GroundplanError(f"{secret_file}: the client secret cannot be read ({why})") from None
    answer = provider.tokens({"grant_type": "client_credentials"}, (client_id, secret))
    return answer, client_id, str(Path(secret_file).expanduser().absolute())


def machine(client_id: str | None, secret_file: str | None) -> tuple[str, str] | None:
    """Return a service account's id and secret file, of the options or the environment; None when neither is given."""
    id_, file = client_id or os.environ.get(ID), secret_file or os.environ.get(SECRET_FILE)
    if bool(id_) != bool(file):
        missing = f"--client-secret-file or {SECRET_FILE}" if id_ else f"--client-id or {ID}"
        raise GroundplanError(f"a service account needs its id and its secret; fix: give {missing} too")
    return (id_, file) if id_ and file else None


def access_token(
    platform: "Platform", provider: Provider, client_id: str | None = None, secret_file: str | None = None
) -> str:
    """Return an access token of the service account that is given, else of whoever is signed in."""
    account = machine(client_id, secret_file)
    if account:
        return str(by_secret(provider, *account)[0]["access_token"])
    return open_tokens(platform, provider).access()
