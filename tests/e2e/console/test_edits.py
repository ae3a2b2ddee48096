"""What people change in the console, and what they find when they come back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.browser import page
from support.node import NAME, PASSWORD, RunningNode


@pytest.fixture
def api(node: RunningNode) -> Iterator[httpx.Client]:
    client = node.administrator()
    yield client
    client.close()


def sign_in(at: Any) -> None:
    at.get_by_label("User name").fill(NAME)
    at.get_by_label("Password").fill(PASSWORD)
    at.get_by_role("button", name="Sign in", exact=True).click()


def make_rule(api: httpx.Client, condition: dict[str, Any]) -> dict[str, Any]:
    device = api.post("/devices", json={"name": "kettle"}).json()
    draft = {"name": "Boils", "scope": {"device_id": device["id"]}, "property": "t", "condition": condition}
    made: dict[str, Any] = api.post("/rules", json=draft).json()
    return made


def test_a_form_loses_nothing_of_a_rule_it_does_not_change(node: RunningNode, chromium: Any, api: httpx.Client) -> None:
    condition = {"kind": "rate_of_change", "per_s": 2, "window_s": 30, "direction": "rising"}
    delays = {"deadband": 0.5, "on_delay_s": 3, "off_delay_s": 4}
    rule = make_rule(api, condition | delays)
    with page(chromium, node.url, "en") as at:
        at.goto(f"/rules?rule={rule['id']}")
        sign_in(at)
        form = at.get_by_role("dialog")
        form.locator("#name").fill("Boils over")
        form.get_by_role("button", name="Save", exact=True).click()
        form.wait_for(state="hidden")
    kept = api.get(f"/rules/{rule['id']}").json()
    assert (kept["name"], kept["condition"]) == ("Boils over", condition | delays)


def test_of_two_who_change_a_rule_the_later_is_told(node: RunningNode, chromium: Any, api: httpx.Client) -> None:
    rule = make_rule(api, {"kind": "limit", "high": 80})
    with page(chromium, node.url, "en", refused=(412,)) as at:
        at.goto(f"/rules?rule={rule['id']}")
        sign_in(at)
        form = at.get_by_role("dialog")
        form.locator("#high").fill("90")
        draft = {key: rule[key] for key in ("name", "scope", "property", "condition", "priority")}
        faster = api.put(f"/rules/{rule['id']}", json=draft | {"condition": {"kind": "limit", "high": 70}})
        assert faster.status_code == 200
        form.get_by_role("button", name="Save", exact=True).click()
        at.get_by_text("Somebody changed the rule meanwhile").wait_for()
    assert api.get(f"/rules/{rule['id']}").json()["condition"]["high"] == 70


def test_who_was_signed_out_comes_back_to_the_same_page(node: RunningNode, chromium: Any, api: httpx.Client) -> None:
    with page(chromium, node.url, "en") as at:
        at.goto("/devices?status=never")
        sign_in(at)
        at.get_by_role("heading", name="Devices", exact=True).wait_for()
        at.context.clear_cookies()
        at.wait_for_url("**/sign-in")
        sign_in(at)
        at.get_by_role("heading", name="Devices", exact=True).wait_for()
        assert at.url.endswith("/devices?status=never")


def test_rows_open_by_keyboard(node: RunningNode, chromium: Any, api: httpx.Client) -> None:
    make_rule(api, {"kind": "limit", "high": 80})
    with page(chromium, node.url, "en") as at:
        at.goto("/rules")
        sign_in(at)
        row = at.get_by_role("button", name="Boils", exact=True)
        row.focus()
        at.keyboard.press("Enter")
        at.get_by_role("dialog").get_by_text("Edit rule").wait_for()


def test_a_file_of_a_chinese_spreadsheet_keeps_its_names(
    node: RunningNode, chromium: Any, api: httpx.Client, tmp_path: Path
) -> None:
    file = tmp_path / "devices.csv"
    file.write_bytes("name,title\r\npump-1,循环水泵\r\n".encode("gb18030"))
    with page(chromium, node.url, "en") as at:
        at.goto("/devices?import=1")
        sign_in(at)
        box = at.get_by_role("dialog")
        box.locator("input[type=file]").set_input_files(file)
        box.get_by_text("devices.csv · 1 row").wait_for()
        box.get_by_role("button", name="Import", exact=True).click()
        box.get_by_text("1 device created").wait_for()
    assert [device["title"] for device in api.get("/devices").json()["items"]] == ["循环水泵"]


def test_clearing_the_filters_clears_the_search_too(node: RunningNode, chromium: Any, api: httpx.Client) -> None:
    with page(chromium, node.url, "en") as at:
        at.goto("/devices?q=nothing")
        sign_in(at)
        assert at.get_by_placeholder("Name, title or tag").input_value() == "nothing"
        at.get_by_role("button", name="Clear filters").click()
        at.get_by_text("No devices yet").wait_for()
        assert at.get_by_placeholder("Name, title or tag").input_value() == ""
