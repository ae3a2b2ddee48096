"""The usage page in a real Chromium: a plan made and given, a quota set, a statement issued, taken away, recounted."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from millwright.engines.sql import Records
from millwright.kernel.scope import EVERYTHING
from millwright.metering import MESSAGES, POINTS, STORED_BYTES, Batch, Calendar, CountStore
from millwright.metering.periods import month
from support.browser import page, widest
from support.node import NAME, PASSWORD, RunningNode

NOW = datetime.now(UTC)
RUNNING = f"{NOW:%Y-%m}"
LAST = f"{NOW.replace(day=1) - timedelta(days=1):%Y-%m}"
EMPTY = f"{NOW.replace(day=1) - timedelta(days=100):%Y-%m}"
WORDS = {
    "en": {
        "month": "Month", "nothing": "Nothing was used in this month", "new_plan": "New plan", "name": "Name",
        "fee": "Monthly fee", "free": "Free", "price": "Price", "save": "Save", "give": "Give a plan",
        "plans": "Price plans", "from": "From", "set": "Plan set", "add_quota": "Add a quota", "limit": "Limit",
        "saved": "Limits saved. They hold within seconds.", "issue": "Issue", "draft": "Draft", "verify": "Recount",
        "equal": "Recounted: equal", "near": "nearly used up", "close": "Close",
    },
    "zh": {
        "month": "月份", "nothing": "这个月没有用量", "new_plan": "新建方案", "name": "名称", "fee": "月费",
        "free": "免费额度", "price": "单价", "save": "保存", "give": "设定方案", "plans": "价格方案",
        "from": "开始日期", "set": "方案已设定", "add_quota": "添加配额", "limit": "上限",
        "saved": "限额已保存，数秒内生效。", "issue": "开具", "draft": "草稿", "verify": "重新核算",
        "equal": "核算结果：一致", "near": "即将用完", "close": "关闭",
    },
}  # fmt: skip


def fill(node: RunningNode) -> None:
    """Messages and readings of last month and of this one, as the node writes them."""
    records = Records.in_folder(node.data, EVERYTHING)
    store, calendar = CountStore(records), Calendar()
    counts: dict[tuple[str, str, int], int] = {}
    for name in (LAST, RUNNING):
        for number, day in enumerate(month(name)):
            if day <= NOW.date():
                hour = calendar.hour_of(day)
                counts["org_root", MESSAGES.name, hour] = 900 + 37 * (number % 7)
                counts["org_root", POINTS.name, hour] = 10 * counts["org_root", MESSAGES.name, hour]
                counts["org_root", STORED_BYTES.name, hour] = 40_000 * (number + 1)
    store.record("test", [Batch(1, counts)], 0)
    records.close()


def shot(at: Any, tmp_path: Path, name: str) -> None:
    folder = Path(os.environ.get("MILLWRIGHT_SHOTS", str(tmp_path)))
    at.screenshot(path=str(folder / f"usage-{name}.png"))


@pytest.mark.parametrize(("language", "size"), [("en", "desktop"), ("zh", "phone")])
def test_from_usage_to_a_recounted_statement(
    node: RunningNode, chromium: Any, tmp_path: Path, language: str, size: str
) -> None:
    words = WORDS[language]
    api = node.administrator()
    fill(node)
    messages = {each["meter"]: each["used"] for each in api.get("/metering/usage").json()["meters"]}["messages"]
    organisation = api.get("/metering/usage").json()["organisation"]
    with page(chromium, node.url, language, size) as at:
        signed_in = at.context.request.post(
            f"{node.url}/api/v1/session", data={"name": NAME, "password": PASSWORD}, headers={"Origin": node.url}
        )
        assert signed_in.ok
        at.goto("/usage")
        card = at.locator('[data-meter="messages"]')
        card.get_by_text(f"{messages:,}").first.wait_for()
        at.locator("canvas").wait_for()
        assert widest(at) <= 0
        shot(at, tmp_path, f"{size}-1-first")

        # A month without use says what to do.
        at.get_by_role("combobox", name=words["month"]).click()
        at.locator(".ant-select-item-option", has_text=EMPTY).click()
        at.get_by_text(words["nothing"]).wait_for()
        at.get_by_role("combobox", name=words["month"]).click()
        at.locator(".ant-select-item-option", has_text=RUNNING).click()
        card.wait_for()

        # A plan: 1,000 messages free, then 0.80 for 1,000 of them.
        at.get_by_role("button", name=words["new_plan"]).click()
        box = at.get_by_role("dialog")
        box.locator("#name").fill("基础版 A")
        box.locator("#monthly_fee").fill("12.50")
        box.locator("#prices_0_free").fill("1000")
        box.get_by_label(words["price"]).first.fill("0.80")
        assert widest(at) <= 0
        shot(at, tmp_path, f"{size}-2-plan")
        box.get_by_role("button", name=words["save"], exact=True).click()
        box.wait_for(state="hidden")

        # It is given to the organisation from last month on, with a quota that is nearly used up.
        at.get_by_text(organisation, exact=True).last.click()
        drawer = at.get_by_role("dialog")
        drawer.get_by_role("combobox", name=words["plans"]).click()
        at.locator(".ant-select-item-option", has_text="基础版 A").click()
        drawer.get_by_label(words["from"]).fill(f"{LAST}-01")
        drawer.get_by_role("button", name=words["give"]).click()
        at.get_by_text(words["set"]).wait_for()
        drawer.get_by_role("button", name=words["add_quota"]).click()
        drawer.get_by_label(words["limit"]).fill(str(round(messages / 0.9)))
        assert widest(at) <= 0
        drawer.get_by_role("button", name=words["save"], exact=True).click()
        at.get_by_text(words["saved"]).wait_for()
        shot(at, tmp_path, f"{size}-3-limits")
        drawer.get_by_role("button", name=words["close"]).click()
        drawer.wait_for(state="hidden")
        card.get_by_text(words["near"]).wait_for()

        # The draft, then last month's statement: issued, taken away as files, recounted.
        at.get_by_role("button", name=words["draft"]).click()
        at.get_by_test_id("total").wait_for()
        at.get_by_role("button", name=words["close"]).click()
        at.get_by_role("combobox", name=words["month"]).click()
        at.locator(".ant-select-item-option", has_text=LAST).click()
        at.get_by_role("button", name=words["issue"], exact=True).click()
        at.get_by_role("dialog").get_by_role("button", name=words["issue"], exact=True).click()
        number = f"MW-{LAST.replace('-', '')}-0001"
        drawer = at.get_by_role("dialog").filter(has_text=number)
        drawer.get_by_role("button", name=words["verify"]).click()
        drawer.get_by_text(words["equal"]).wait_for()
        issued = api.get("/metering/statements").json()[0]
        assert drawer.get_by_test_id("total").inner_text().startswith(f"CNY {issued['total']}")
        at.wait_for_timeout(400)
        shot(at, tmp_path, f"{size}-4-statement")
        drawer.get_by_role("button", name=words["close"]).click()
        for kind, begins in (("PDF", b"%PDF-"), ("CSV", b"\xef\xbb\xbfstatement,MW-")):
            with at.expect_download() as got:
                at.get_by_role("link", name=kind).click()
            assert got.value.suggested_filename == f"{number}.{kind.lower()}"
            assert Path(got.value.path()).read_bytes().startswith(begins)
        assert widest(at) <= 0
        shot(at, tmp_path, f"{size}-5-end")
    api.close()
