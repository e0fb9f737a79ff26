"""A browser, and the control plane behind a door that it can sign in at."""

import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from groundplan.controlplane.app import make_app
from groundplan.controlplane.context import Platform
from groundplan.controlplane.db.engine import make_engine
from groundplan_runtime.config import Runtime
from tests.browser.chromium import ARGUMENTS, NoBrowser, executable
from tests.browser.door import Door
from tests.browser.seed import flights, others
from tests.runtime.controlplane.conftest import Plane, database  # noqa: F401 - a fixture
from tests.runtime.controlplane.doubles import (
    MemoryFeast,
    MemoryJobs,
    MemoryMlflow,
    MemoryObjects,
    MemoryServe,
    MemorySingles,
)

DEADLINE = 60
#: Takes a screenshot, by name.
Shot = Callable[..., None]
#: More than a page of them.
MANY = 55


@dataclass
class Site:
    """Where the browser goes, the door that stands there, and the control plane behind it."""

    address: str
    door: Door
    plane: Plane


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, headless."""
    try:
        path = executable()
    except NoBrowser as reason:
        print(f"SKIPPED: the browser tier: {reason}")
        pytest.skip(str(reason))
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture(scope="package")
def site(database: Runtime) -> Iterator[Site]:  # noqa: F811
    """The control plane, with models in it, behind the door."""
    objects = MemoryObjects()
    parts = (objects, MemoryFeast(), MemoryMlflow(), MemoryJobs(objects), MemoryServe(), MemorySingles())
    platform: Any = Platform(database, make_engine(database), *parts)  # type: ignore[arg-type]
    token = database.secret("controlplane-token")
    door = Door(make_app(platform), token, database.secret("gateway-token"))
    server = uvicorn.Server(uvicorn.Config(door, host="127.0.0.1", port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        address = f"http://127.0.0.1:{_port(server)}"
        bearer = {"Authorization": f"Bearer {door.machine('deployer')}"}
        with httpx.Client(base_url=address, timeout=DEADLINE, headers=bearer) as http:
            plane = Plane(http, platform)  # type: ignore[arg-type]
            flights(plane)
            others(plane, MANY)
            yield Site(address, door, plane)
    finally:
        server.should_exit = True
        thread.join(DEADLINE)


def _port(server: uvicorn.Server) -> int:
    end = time.monotonic() + DEADLINE
    while not server.started:
        assert time.monotonic() < end, "the control plane did not start"
        threading.Event().wait(0.05)
    return int(server.servers[0].sockets[0].getsockname()[1])


@pytest.fixture
def context(browser: Browser, site: Site, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    """A browser of somebody's own; what it complains of fails the test."""
    made = browser.new_context(base_url=site.address, **getattr(request, "param", {}))
    made.set_default_timeout(15_000)
    made.complaints = []  # type: ignore[attr-defined]
    made.on("page", lambda page: _listen(page, made.complaints))  # type: ignore[attr-defined]
    yield made
    complaints = made.complaints  # type: ignore[attr-defined]
    made.close()
    # A refusal that a test asks for is an error of the network to the browser; anything else is ours.
    assert [each for each in complaints if not re.search(r"Failed to load resource.*(40[0-9]|422|503)", each)] == []


def _listen(page: Page, complaints: list[str]) -> None:
    page.on(
        "console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """An empty page."""
    return context.new_page()


@pytest.fixture
def shot(tmp_path: Path) -> Shot:
    """Take a screenshot of a whole page, or of the window; kept where GROUNDPLAN_SCREENSHOTS says."""
    folder = Path(os.environ.get("GROUNDPLAN_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)

    def take(page: Page, name: str, whole: bool = True) -> None:
        path = folder / f"{name}.png"
        page.screenshot(path=path, full_page=whole)
        assert path.stat().st_size > 5_000, "an empty picture"

    return take


def sign_in(page: Page, person: str, address: str = "/catalogue/") -> None:
    """Open the catalogue and sign in."""
    page.goto(address)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name=person).click()
    page.get_by_role("button", name="Sign out").wait_for()
