"""The page: finding, keys, words that are not markup, sizes, themes, what bars people."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import MANY, Shot, Site, sign_in
from tests.browser.seed import HOSTILE

DARK = {"color_scheme": "dark"}
NARROW = {"viewport": {"width": 360, "height": 740}, "device_scale_factor": 2}
#: 1280 px at 200 %.
ZOOMED = {"viewport": {"width": 640, "height": 400}, "device_scale_factor": 2}
DELAY = "/catalogue/?model=flights/delay"


def test_whoever_is_not_signed_in_sees_a_door_and_no_data(page: Page, site: Site) -> None:
    page.goto(DELAY)
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    expect(page.locator("body")).not_to_contain_text("flights@example.org")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="ana").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("flights/delay")  # back to where the way in began
    assert page.url.endswith("?model=flights/delay"), "nothing of the sign-in stays in the address"
    expect(page.get_by_text("Ana Lima")).to_be_visible()
    stored = page.evaluate("JSON.stringify([{...localStorage}, document.cookie])")
    assert stored == '[{},""]'


def test_found_by_search_and_filters_which_are_in_the_address(page: Page) -> None:
    sign_in(page, "ana")
    expect(page.get_by_role("link", name="flights/delay")).to_be_visible()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("carrier york")
    expect(page.get_by_text("1 model", exact=True)).to_be_visible()
    assert "q=carrier+york" in page.url
    page.get_by_text("Filters").click()
    page.get_by_label("Metric").fill("mae<1")
    expect(page.get_by_text("No model is like that")).to_be_visible()
    page.get_by_label("Metric").fill("mae<")
    expect(page.get_by_role("alert")).to_contain_text("as in mae<20")
    page.get_by_label("Metric").fill("mae<12")
    page.get_by_label("Stage").select_option("production")
    expect(page.get_by_role("link", name="flights/delay")).to_be_visible()
    page.reload()
    expect(page.get_by_label("Metric")).to_have_value("mae<12")
    expect(page.get_by_text("1 model", exact=True)).to_be_visible()


def test_by_keys_alone(page: Page) -> None:
    sign_in(page, "ana", "/catalogue/?q=new+york")
    expect(page.get_by_role("link", name="flights/delay")).to_be_visible()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/v1/" in request.url else None)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    assert asked == [], "the list is there, and stays"
    page.keyboard.press("/")
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "flights/delay":
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("flights/delay")
    expect(page.locator("main")).to_be_focused()
    assert page.title() == "flights/delay · Groundplan"
    page.keyboard.press("Escape")
    expect(page.get_by_role("searchbox")).to_have_value("new york")
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("flights/delay")


def test_more_than_a_page_of_models(page: Page) -> None:
    sign_in(page, "ana", "/catalogue/?owner=sales")
    expect(page.get_by_text(f"{MANY + 1} models", exact=True)).to_be_visible()
    assert page.locator(".models > li").count() == 50
    page.get_by_role("button", name="Show more").click()
    expect(page.locator(".models > li")).to_have_count(MANY + 1)


def test_words_are_never_markup(page: Page, shot: Shot) -> None:
    sign_in(page, "ana", "/catalogue/?q=evil")
    expect(page.locator(".models .what")).to_have_text(HOSTILE)
    page.get_by_role("link", name="shop/evil").click()
    expect(page.locator("article .what").first).to_have_text(HOSTILE)
    page.goto("/catalogue/?" + f"q={HOSTILE}&tag={HOSTILE}&model=shop/{HOSTILE}".replace("<", "%3C"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Not found")
    assert page.evaluate("window.hacked") is None
    assert page.locator("main img, main script").count() == 0
    shot(page, "not-found")


def test_the_page_runs_nothing_but_its_own_files(page: Page, site: Site) -> None:
    sizes: dict[str, int] = {}
    page.on("response", lambda got: sizes.update({got.url: len(got.body())}) if "/catalogue/" in got.url else None)
    page.goto("/catalogue/")
    page.get_by_role("button", name="Sign in").wait_for()
    assert sum(sizes.values()) < 60_000, sizes
    assert all(url.startswith(site.address) for url in sizes)
    page.evaluate("document.body.append(Object.assign(document.createElement('script'), {text: 'window.hacked = 1'}))")
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<b onclick=\"window.hacked = 2\">x</b>')")
    page.locator("b").last.click()
    assert page.evaluate("window.hacked") is None
    complaints: list[str] = page.context.complaints  # type: ignore[attr-defined]
    assert len([each for each in complaints if "Content Security Policy" in each]) == 2, "it says what it did not run"
    complaints.clear()


def test_what_a_model_is_on_its_page(page: Page, shot: Shot) -> None:
    sign_in(page, "ana", DELAY)
    shot(page, "catalogue", whole=False)
    article = page.locator("article")
    for words in ("Mean departure delay", "flights@example.org", "domain=punctuality", "follows latest"):
        expect(article).to_contain_text(words)
    versions = page.locator("#versions tbody tr")
    expect(versions.nth(0)).to_contain_text("staging")
    expect(versions.nth(1)).to_contain_text("draft")
    expect(versions.nth(2)).to_contain_text("production")
    page.locator("#gates summary", has_text="Version 2").click()
    expect(page.locator("#gates")).to_contain_text("mae 15.02 is not better than baseline's 14.56")
    expect(page.locator("#gates")).to_contain_text("approved by ben")
    expect(page.locator("#features")).to_contain_text("10 features of 2 views")
    page.locator("#lineage summary").click()
    expect(page.locator("#lineage li", has_text="feature view route_delay")).to_contain_text("from flights")
    expect(page.locator("#endpoints pre")).to_contain_text("/serve/flights/delay/predict/feast/batch")
    expect(page.locator("#endpoints")).to_contain_text("0 predictions in the last 24 hours")
    expect(page.locator("#history li").last).to_contain_text("version 1 trained by ana")
    page.get_by_role("link", name="domain=punctuality").click()
    expect(page.get_by_text("1 model", exact=True)).to_be_visible()


def test_the_command_is_copied(page: Page, context: BrowserContext) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    sign_in(page, "ana", DELAY)
    page.get_by_role("button", name="Copy the command").click()
    expect(page.get_by_role("button", name="Copy the command")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("curl http")
    assert '"origin":"…"' in copied


@pytest.mark.parametrize(
    ("context", "name"),
    [({}, "light"), (DARK, "dark"), (NARROW, "narrow"), ({**NARROW, **DARK}, "narrow-dark"), (ZOOMED, "zoomed")],
    indirect=["context"],
)
def test_every_view_fits_and_bars_nobody(page: Page, shot: Shot, name: str) -> None:
    page.goto("/catalogue/")
    page.get_by_role("button", name="Sign in").wait_for()
    _fits(page, shot, f"door-{name}")
    sign_in(page, "ana", "/catalogue/?metric=mae%3C22")
    page.get_by_text("models", exact=False).first.wait_for()
    _fits(page, shot, f"list-{name}")
    page.goto(DELAY)
    page.get_by_text("predictions in the last").wait_for()
    page.locator("article").evaluate("(all) => all.querySelectorAll('details').forEach((one) => { one.open = true; })")
    _fits(page, shot, f"model-{name}")
    page.get_by_role("button", name="Promote version 3").click()
    page.get_by_role("dialog").wait_for()
    _fits(page, shot, f"dialog-{name}")


def _fits(page: Page, shot: Shot, name: str) -> None:
    shot(page, name, whole="dialog" not in name)
    wide: dict[str, Any] = page.evaluate(
        "({page: document.documentElement.scrollWidth, window: document.documentElement.clientWidth})"
    )
    assert wide["page"] <= wide["window"], f"{name} scrolls sideways"
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
