"""From a question to production, by two people, in the browser; sessions that end on the way."""

from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Shot, Site, sign_in

DELAY = "/catalogue/?model=flights/delay"


def points_to(site: Site, alias: str = "production") -> int | None:
    """Where an alias points, as the control plane says."""
    aliases = site.plane.http.get("/v1/registry/models/flights/delay").json()["aliases"]
    return next(each["version"] for each in aliases if each["alias"] == alias)


def do(page: Page, button: str, reason: str) -> None:
    """Press a button, give a reason, confirm by key."""
    page.get_by_role("button", name=button).first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill(reason)
    dialog.get_by_role("button").last.click()


def test_ana_asks_and_ben_approves(page: Page, browser: Browser, site: Site, shot: Shot) -> None:
    assert points_to(site) == 1
    sign_in(page, "ana", DELAY)
    expect(page.get_by_role("button", name="Approve version 3")).to_have_count(0)  # she trained it
    do(page, "Promote version 3", "better by a minute")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Done: asked; it waits for an approval; ben may approve it")
    shot(page, "waits", whole=False)
    page.keyboard.press("Escape")
    expect(page.locator("#overview")).to_contain_text("waits for an approval of version 3, which ana asked for")
    expect(page.locator("#overview")).to_contain_text("Not by you: ana trained it")
    expect(page.get_by_role("button", name="Promote version 3")).to_be_focused()
    assert points_to(site) == 1
    other = browser.new_context(base_url=site.address)
    second = other.new_page()
    sign_in(second, "ben", DELAY)
    shot(second, "to-approve")
    do(second, "Approve version 3", "looked at December")
    expect(second.get_by_role("dialog")).to_contain_text("Done: approved; delay@production went on")
    shot(second, "approved", whole=False)
    second.keyboard.press("Escape")
    expect(second.locator("#versions tbody tr").first).to_contain_text("production")
    expect(second.locator("#history li").first).to_contain_text("production promoted from 1 to 3 by ana")
    assert points_to(site) == 3
    other.close()


def test_what_a_gate_refuses_is_told_with_the_bound(page: Page, site: Site) -> None:
    sign_in(page, "ana", DELAY)
    do(page, "Promote version 2", "let us see")
    told = page.get_by_role("dialog").get_by_role("alert")
    expect(told).to_contain_text("mae 15.02 is not better than baseline's 14.56")
    expect(page.get_by_role("dialog").get_by_role("button", name="Try again")).to_be_enabled()


def test_what_serves_is_not_retired_and_the_page_says_why(page: Page, site: Site) -> None:
    sign_in(page, "ana", DELAY)
    serving = page.get_by_role("button", name="Retire version 3")
    expect(serving).to_have_attribute("aria-disabled", "true")
    serving.click(force=True)
    expect(page.get_by_role("status")).to_contain_text("cannot be retired: it answers in delay")
    do(page, "Retire version 2", "worse than the naive forecast")
    expect(page.get_by_role("dialog")).to_contain_text("Done: retired")
    page.keyboard.press("Escape")
    expect(page.locator("#versions tbody tr").nth(1)).to_contain_text("retired")
    expect(page.locator("#versions")).to_contain_text("Version 2 was retired by ana: worse than the naive forecast")
    do(page, "Restore version 2", "wanted for a comparison")
    expect(page.get_by_role("dialog")).to_contain_text("Done: restored")


def test_back_to_what_was_before(page: Page, site: Site) -> None:
    sign_in(page, "ana", DELAY)
    do(page, "Roll back production", "late on Sundays")
    expect(page.get_by_role("dialog")).to_contain_text("Done: production points to version 1")
    assert points_to(site) == 1
    page.keyboard.press("Escape")
    expect(page.locator("#overview")).to_contain_text("held by ana: late on Sundays")


def test_nobody_is_offered_what_their_role_does_not_allow(page: Page, browser: Browser, site: Site) -> None:
    sign_in(page, "cleo", DELAY)
    expect(page.locator("#versions tbody tr")).to_have_count(3)
    expect(page.locator("article button")).to_have_text(["Copy"])
    page.get_by_role("link", name="← Models").click()
    expect(page.get_by_text("1 model", exact=True)).to_be_visible()  # of shop, where she has no role, she sees none
    page.goto("/catalogue/?model=shop/evil")
    expect(page.get_by_role("alert")).to_contain_text("may not read models of shop")
    other = browser.new_context(base_url=site.address)
    second = other.new_page()
    sign_in(second, "ben", DELAY)
    expect(second.locator("#versions tbody button", has_text="Retire")).to_have_count(0)  # he approves, and no more
    other.close()


def test_a_reason_is_needed(page: Page, site: Site) -> None:
    sign_in(page, "ana", DELAY)
    asked = len(site.door.asked)
    page.get_by_role("button", name="Promote version 3").click()
    page.get_by_role("dialog").get_by_role("button", name="Ask for promotion").click()
    expect(page.get_by_role("dialog").get_by_label("Reason")).to_be_focused()
    assert not [each for each in site.door.asked[asked:] if each[0] == "POST"]


def test_a_token_that_ends_is_renewed_and_nobody_notices(page: Page, site: Site) -> None:
    sign_in(page, "ana", DELAY)
    renewed = site.door.renewals
    site.door.end_tokens()
    page.get_by_role("link", name="← Models").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Models")
    expect(page.locator(".models > li").first).to_be_visible()
    assert site.door.renewals == renewed + 1
    page.reload()  # the access token was in memory only: the session goes on by the refresh token
    expect(page.locator(".models > li").first).to_be_visible()


def test_what_is_restarted_is_waited_for_and_nobody_is_signed_out(page: Page, site: Site) -> None:
    sign_in(page, "ana", DELAY)
    site.door.silent = 5  # the issuer first, then the control plane
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("flights/delay")
    assert site.door.silent == 0
    asked = len(site.door.asked)
    page.get_by_role("button", name="Promote version 3").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("once more")
    site.door.silent = 1
    dialog.get_by_role("button", name="Ask for promotion").click()
    expect(dialog.get_by_role("alert")).to_contain_text("does not answer")
    assert [each for each in site.door.asked[asked:] if each[0] == "POST"] == [], "what changes something is sent once"
    page.keyboard.press("Escape")


def test_a_session_that_ends_in_the_middle_costs_nothing_but_the_sign_in(page: Page, site: Site) -> None:
    sign_in(page, "ana", DELAY)
    page.get_by_role("button", name="Promote version 3").click()
    site.door.end_sessions()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("again")
    dialog.get_by_role("button", name="Ask for promotion").click()
    expect(dialog.get_by_role("alert")).to_contain_text("your session is over")
    page.keyboard.press("Escape")
    page.reload()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()


def test_an_answer_that_nobody_asked_for_signs_nobody_in(page: Page, site: Site) -> None:
    page.goto("/catalogue/?code=stolen&state=made-up")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    page.evaluate("sessionStorage.setItem('groundplan-sign-in', JSON.stringify({state: 'mine', back: '/catalogue/'}))")
    page.goto("/catalogue/?code=stolen&state=made-up")
    expect(page.get_by_role("alert")).to_contain_text("the answer belongs to another sign-in")
    assert page.url.endswith("/catalogue/")


def test_signed_out_is_out(page: Page, site: Site) -> None:
    sign_in(page, "ana")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    assert page.evaluate("sessionStorage.getItem('groundplan-refresh')") is None
