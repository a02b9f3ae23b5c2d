"""A digit drawn on the page is read there as the shipped model reads it."""

import runpy
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.plugins.discovery import load_plugins
from bench.report.classifier import browser_classifier
from bench.report.page import render

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "plugins" / "bench_plugins" / "shipped"
MODEL = SHIPPED / "cnn-robust" / "model" / "model-float32.tflite"


def test_the_browsers_classifier_is_made_of_the_shipped_one() -> None:
    script = runpy.run_path(str(ROOT / "script" / "make_browser_model.py"))
    assert script["browser_model"](MODEL) == (SHIPPED / "cnn-robust.browser").read_bytes()
    assert (SHIPPED / "cnn-robust.browser").stat().st_size <= 600_000


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from playwright.sync_api import Error, sync_playwright

    file = tmp_path_factory.mktemp("draw") / "draw.html"
    classifier = browser_classifier(load_plugins().models)
    file.write_text(render("site_draw.html", classifier=classifier), encoding="utf-8")
    with sync_playwright() as player:
        try:
            browser = player.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox"]
            )
        except Error:
            pytest.skip("no Chromium: playwright install chromium")
        opened = browser.new_page()
        failures: list[str] = []
        opened.on("pageerror", lambda error: failures.append(str(error)))
        opened.goto(file.as_uri())
        opened.wait_for_function("typeof readDigit === 'function'")
        yield opened
        browser.close()
        assert failures == []


def read_by_litert(images: Any) -> Any:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(MODEL))
    interpreter.allocate_tensors()
    (given,), (said,) = interpreter.get_input_details(), interpreter.get_output_details()
    found = []
    for image in images:
        interpreter.set_tensor(given["index"], image.reshape(1, 28, 28, 1))
        interpreter.invoke()
        found.append(interpreter.get_tensor(said["index"])[0].copy())
    return np.stack(found)


def read_in_the_page(page: Any, images: Any) -> Any:
    told = images.reshape(len(images), -1).tolist()
    return np.array(
        page.evaluate("told => told.map(one => readDigit(Float32Array.from(one)))", told)
    )


@pytest.mark.browser
@pytest.mark.realdata
def test_mnists_first_thousand_are_read_as_the_shipped_model_reads_them(
    page: Any, real_data: Path
) -> None:
    with np.load(real_data / "mnist" / "mnist.npz") as arrays:
        images = (arrays["x_test"][:1000] / 255).astype(np.float32)
    ours, theirs = read_in_the_page(page, images), read_by_litert(images)
    same = (ours.argmax(axis=1) == theirs.argmax(axis=1)).mean()
    assert same >= 0.995
    assert np.abs(ours - theirs).mean() < 0.01


@pytest.mark.browser
def test_a_blank_box_says_that_nothing_is_there(page: Any) -> None:
    page.locator("#d-clear").click()
    assert page.locator("#d-said").inner_text() == "Nothing there yet: draw one digit."


DIGITS = {
    1: [[(0.5, 0.15), (0.5, 0.85)]],
    7: [[(0.25, 0.2), (0.75, 0.2), (0.45, 0.85)]],
    4: [[(0.6, 0.1), (0.2, 0.6), (0.8, 0.6)], [(0.6, 0.35), (0.6, 0.9)]],
    3: [[(0.3, 0.15), (0.7, 0.2), (0.65, 0.42), (0.45, 0.48), (0.7, 0.58), (0.68, 0.8),
         (0.3, 0.85)]],
}  # fmt: skip


@pytest.mark.browser
@pytest.mark.parametrize("digit", [pytest.param(each, id=str(each)) for each in DIGITS])
def test_a_digit_drawn_with_the_mouse_is_read(page: Any, digit: int) -> None:
    page.locator("#d-clear").click()
    box = page.locator("#d-box").bounding_box()
    for stroke in DIGITS[digit]:
        places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place, steps=8)
        page.mouse.up()
    said = page.locator("#d-said").inner_text()
    assert said.startswith((f"{digit}, sure", f"Not sure: {digit} ")), said
    assert page.locator("#draw meter").count() == 10


@pytest.mark.browser
def test_axe_finds_nothing_where_one_draws(page: Any) -> None:
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
