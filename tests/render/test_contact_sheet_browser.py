"""The contact sheet in a real browser: nothing in it runs, and what it offers works."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.render.contact_sheet import Card, contact_sheet
from bench.spec import Finding

pytestmark = pytest.mark.browser
EVIL = "<img src=x onerror=alert(1)><script>alert(2)</script>.jpg"


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Any]:
    """The sheet of one photo without and one with a finding and a hostile name, opened."""
    from playwright.sync_api import Error, sync_playwright

    photo = np.full((300, 500, 3), 200, dtype=np.uint8)
    seen = np.zeros((28, 28), dtype=np.uint8)
    finding = Finding(sample=EVIL, code="faint", fault=EVIL, remedy="press harder")
    cards = [
        Card(name="a.jpg", seen=seen, original=photo, steps={"ink": seen}),
        Card(name=EVIL, seen=seen, original=photo, findings=(finding,)),
    ]
    (tmp_path / "sheet.html").write_text(contact_sheet(EVIL, cards), encoding="utf-8")
    with sync_playwright() as player:
        try:
            browser = player.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox"]
            )
        except Error:
            pytest.skip("no Chromium: playwright install chromium")
        opened = browser.new_page(viewport={"width": 700, "height": 900})
        opened.add_init_script("window.alert = () => { window.ran = true }")
        opened.goto((tmp_path / "sheet.html").as_uri())
        yield opened
        browser.close()


def test_a_hostile_name_is_shown_and_does_nothing(page: Any) -> None:
    assert page.title().startswith(EVIL)
    assert page.locator(".card").nth(1).inner_text().startswith(EVIL)
    assert page.evaluate("window.ran") is None
    assert page.evaluate("document.scripts.length") == 0


def test_steps_open_and_those_with_findings_can_be_shown_alone(page: Any) -> None:
    steps = page.locator(".steps img")
    assert not steps.is_visible()
    page.locator("summary").click()
    assert steps.is_visible()
    page.locator("#found").check()
    assert [card.is_visible() for card in page.locator(".card").all()] == [False, True]


def test_photo_and_what_the_models_see_have_one_size_and_the_page_its_width(page: Any) -> None:
    boxes = [image.bounding_box() for image in page.locator(".pair img").all()]
    assert len({(round(box["width"]), round(box["height"])) for box in boxes}) == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= 700
