"""From a question to production, by two people in two browsers, while every service is killed on the way.

The steps are one story, in the order in which they stand; before each one, some service gets ``kill -9``.
"""

import json
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.browser.chromium import ARGUMENTS, NoBrowser, executable
from tests.e2e.door import Door, Person, kill, part_of_ray, person, until
from tests.support.clone import Clone

TRAINING = "projects/flights/training/delay.yaml"
PRODUCTION = "{follow: latest, on_refusal: hold, gates: [{metric: mae, better_than: baseline}, {approval: {}}]}"
NINA = "users:\n    nina: {name: Nina Costa, email: nina@example.org, groups: [flights_engineers, flights_approvers]}"
MODEL = "/v1/catalogue/models/flights/delay"
PAGE = "/catalogue/?model=flights/delay"
MOVE = "/v1/projects/flights/aliases/delay@production:move"


@dataclass
class Story:
    """Who takes part: nina is new, and both engineer and approver; ben approves; vera only looks."""

    door: Door
    nina: Person
    ben: Person
    vera: Person
    #: The pair version in production, and the one that waits.
    old: int
    new: int
    #: How often lineage was told of a move of production before the story.
    told: int

    def shot(self, page: Page, name: str, whole: bool = True) -> None:
        """Take a screenshot, where GROUNDPLAN_SCREENSHOTS says."""
        if folder := os.environ.get("GROUNDPLAN_SCREENSHOTS"):
            page.screenshot(path=Path(folder) / f"story-{name}.png", full_page=whole)


@pytest.fixture(scope="module")
def story(clone: Clone) -> Iterator[Story]:
    """A stack with a new user, and a pair version that waits for a second person."""
    try:
        chromium = executable()
    except NoBrowser as reason:
        print(f"SKIPPED: the story of two people: {reason}")
        pytest.skip(f"SKIPPED: the story of two people needs a browser: {reason}")
    clone.edit("stacks/local.yaml", r"users:", NINA)
    clone.edit(TRAINING, r"n_estimators: \d+", "n_estimators: 150")
    clone.edit(TRAINING, r"production: \{.*\}", f"production: {PRODUCTION}")
    assert "waits for an approval" in clone.groundplan("up", "local").stdout
    door = Door(clone, clone.outputs())
    aliases = door.read(MODEL)["aliases"]
    versions = {each["alias"]: each["version"] for each in aliases}
    trusted = f"--ignore-certificate-errors-spki-list={door.certificate()}"
    with ExitStack() as stack:
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=chromium, args=[*ARGUMENTS, trusted])
        stack.callback(browser.close)
        nina, ben, vera = (stack.enter_context(person(browser, door, name)) for name in ("nina", "ben", "vera"))
        yield Story(door, nina, ben, vera, versions["production"], versions["latest"], len(_runs(door)))
    clone.run("git", "checkout", "projects")


def test_a_new_user_signs_in_with_the_generated_password(story: Story) -> None:
    assert story.new != story.old
    story.door.answers_with(story.old)
    kill(story.door, "identity")
    story.nina.sign_in(lambda page: story.shot(page, "sign-in"))
    expect(story.nina.page.locator("#who")).to_contain_text("Nina Costa")


def test_she_finds_the_model(story: Story) -> None:
    kill(story.door, "gateway")
    page = story.nina.page
    story.nina.open()  # the session goes on by its refresh token
    expect(page.get_by_role("link", name="flights/delay")).to_be_visible()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("departure carrier")
    page.wait_for_url(re.compile(r"q=departure\+carrier"))
    expect(page.get_by_text("1 model", exact=True)).to_be_visible()
    story.shot(page, "found", whole=False)
    page.get_by_role("link", name="flights/delay").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("flights/delay")
    story.door.answers_with(story.old)


def test_she_sees_its_lineage(story: Story) -> None:
    kill(story.door, "database")
    story.nina.open(PAGE)
    lineage = story.nina.page.locator("#lineage")
    lineage.locator("summary").click()
    for line in (
        "feature view origin_weather from weather",
        "feature service hourly_delay from carrier_delay, origin_traffic, origin_weather, route_delay",
        "model delay from",
        "serving application delay from",
    ):
        expect(lineage.locator("li", has_text=line)).to_be_visible()
    story.door.answers_with(story.old)


def test_she_asks_for_a_promotion_that_she_may_not_approve_herself(story: Story) -> None:
    kill(story.door, "mlflow")
    page = story.nina.page
    story.nina.open(PAGE)
    story.nina.do(f"Promote version {story.new}", "better on the holidays")
    expect(page.get_by_role("dialog")).to_contain_text("Done: asked; it waits for an approval")
    story.shot(page, "asked", whole=False)
    page.keyboard.press("Escape")
    waits = f"waits for an approval of version {story.new}, which nina asked for: better on the holidays"
    expect(page.locator("#overview")).to_contain_text(waits)
    expect(page.locator("#overview")).to_contain_text("Not by you: nina asked for it: somebody else has to approve it")
    expect(page.get_by_role("button", name=f"Approve version {story.new}")).to_have_count(0)
    story.shot(page, "waits")
    refusal = story.nina.asks(_approval(story), reason="it is my own")
    assert refusal == (403, f"nina asked for the promotion of version {story.new}: somebody else has to approve it")


def test_predictions_outlive_the_online_store(story: Story) -> None:
    kill(story.door, "online-store")
    kill(story.door, "feast")
    story.door.answers_with(story.old)
    ask = partial(story.door.ask, "GET", "/feast/flights/health", story.door.machine("ci"))
    until(lambda: ask().status_code == 200, "Feast's server is reached again")


def test_who_only_looks_can_do_neither(story: Story) -> None:
    kill(story.door, "objects")
    story.vera.sign_in()
    story.vera.open(PAGE)
    expect(story.vera.page.locator("#versions tbody tr").first).to_be_visible()
    expect(story.vera.page.locator("article button")).to_have_text(["Copy"])
    expect(story.vera.page.locator("#overview")).to_contain_text("Not by you: it needs the role approver in flights")
    story.shot(story.vera.page, "viewer")
    for path, more in ((MOVE, {"version": story.new}), (_approval(story), {})):
        assert story.vera.asks(path, reason="let me", **more)[0] == 403
    body = {"entities": [{"origin": "JFK", "carrier": "AA"}]}
    assert story.vera.asks("/serve/flights/delay/predict/feast/batch", **body)[0] == 403
    assert story.ben.token == "", "nobody but the two did anything"
    story.door.answers_with(story.old)


def test_a_second_person_approves_and_the_traffic_flips(story: Story) -> None:
    page = story.ben.page
    story.ben.sign_in()
    story.ben.open(PAGE)
    expect(page.get_by_role("button", name=re.compile(r"Promote|Retire|Roll back"))).to_have_count(0)
    story.shot(page, "to-approve")
    story.door.answers_with(story.old)
    with page.expect_response(lambda answer: answer.url.endswith(":approve")) as approved:
        story.ben.do(f"Approve version {story.new}", "compared with December")
    assert approved.value.status == 202
    kill(story.door, "controlplane")  # while it moves the alias and the application
    expect(page.get_by_role("dialog")).to_contain_text("Done: approved; delay@production went on", timeout=90_000)
    story.shot(page, "approved", whole=False)
    page.keyboard.press("Escape")
    expect(page.locator("#versions tbody tr").first).to_contain_text("production")
    moved = f"production promoted from {story.old} to {story.new} by nina"
    expect(page.locator("#history li", has_text=moved)).to_have_count(1)
    story.shot(page, "promoted")
    story.door.answers_with(story.new)


def test_what_serves_comes_back_after_every_process_of_it(story: Story) -> None:
    for title in ("haproxy", "ray::ServeReplica", "ray::HAProxyManager", "ray::ProxyActor", "ray::ServeController"):
        victims = until(partial(part_of_ray, story.door.clone, title), f"{title} runs")
        for victim in victims:
            victim.kill()
        story.door.answers_with(story.new)


@pytest.mark.parametrize("part", ["raylet", "gcs_server"])
def test_ray_comes_back_after_the_heart_of_it(story: Story, part: str) -> None:
    for victim in until(lambda: part_of_ray(story.door.clone, part), f"{part} runs"):
        victim.kill()
    story.door.answers_with(story.new)


def test_ray_comes_back_whole(story: Story) -> None:
    kill(story.door, "ray")
    story.door.answers_with(story.new)


def test_sessions_outlived_it_all(story: Story) -> None:
    for somebody in (story.nina, story.ben, story.vera):
        somebody.page.reload()
        expect(somebody.page.get_by_role("button", name="Sign out")).to_be_visible()
        expect(somebody.page.get_by_role("heading", level=1)).to_have_text("flights/delay")
        assert somebody.complaints == []
    expect(story.nina.page.locator("#overview")).to_contain_text("held by nina: better on the holidays")


def test_nothing_was_lost(story: Story) -> None:
    clone, told = story.door.clone, story.door.read(MODEL)
    assert "events are whole" in clone.groundplan("audit", "verify").stdout
    assert "the events tell the whole registry" in clone.groundplan("audit", "rebuild", "--check").stdout
    new = next(each for each in told["versions"] if each["version"] == story.new)
    assert [(each["actor"], each["reason"]) for each in new["approvals"]] == [("ben", "compared with December")]
    assert {each["alias"]: each["version"] for each in told["aliases"]} == dict.fromkeys(
        ("latest", "staging", "production"), story.new
    )
    moves = [each for each in told["history"] if each["what"] == "moved" and each["alias"] == "production"]
    assert (moves[0]["actor"], moves[0]["version"], moves[0]["from"]) == ("nina", story.new, story.old)
    lines = [json.loads(line) for line in clone.groundplan("audit", "export").stdout.splitlines()]
    assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))
    approved = [line for line in lines if line["action"] == "approve" and line["after"] == {"version": story.new}]
    assert [line["actor"] for line in approved] == ["ben"]


def test_lineage_was_told_to_the_end(story: Story) -> None:
    def empty() -> bool | None:
        outbox = story.door.read("/v1/lineage/outbox")
        return (outbox["to_store"] == 0 and outbox["to_send"] == 0 and not outbox["refused"]) or None

    until(empty, "the outbox of lineage is empty")
    runs = _runs(story.door)
    assert (len(runs), runs[0]["state"]) == (story.told + 1, "COMPLETED"), "one move, told once"


def _runs(door: Door) -> list[dict[str, Any]]:
    """The moves of production as lineage knows them, the newest first."""
    return list(door.read("/api/v1/namespaces/local.flights/jobs/alias.delay%40production/runs")["runs"])


def _approval(story: Story) -> str:
    return f"/v1/registry/models/flights/delay/versions/{story.new}:approve"
