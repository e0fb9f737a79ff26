"""What is answered when something is wrong with a request."""


class OAuthProblem(Exception):
    """An error of RFC 6749: a code that programs know, and one line for people."""

    def __init__(self, error: str, description: str, status: int = 400, headers: dict[str, str] | None = None) -> None:
        super().__init__(description)
        self.error = error
        self.description = description
        self.status = status
        self.headers = headers or {}


class PageProblem(Exception):
    """Shown to the person, never redirected: where the answer would go is what is wrong."""

    def __init__(self, text: str, status: int = 400, headers: dict[str, str] | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.status = status
        self.headers = headers or {}


class RedirectProblem(Exception):
    """Sent back to the client, whose address was checked."""

    def __init__(self, redirect_uri: str, state: str | None, error: str, description: str) -> None:
        super().__init__(description)
        self.redirect_uri = redirect_uri
        self.state = state
        self.error = error
        self.description = description
