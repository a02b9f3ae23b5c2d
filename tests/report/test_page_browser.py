"""The page in a real browser: it works by mouse and keyboard, without script, small, dark."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from bench.board.boards import Boards, open_store
from bench.report.content import collect
from bench.report.page import render_page

pytestmark = pytest.mark.browser
EVIL = "<script>window.ran=1</script>"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import Error, sync_playwright

    with sync_playwright() as player:
        try:
            browser = player.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox"]
            )
        except Error:
            pytest.skip("no Chromium: playwright install chromium")
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def reference_page(reference: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_page(reference, tmp_path_factory.mktemp("page") / "page.html")


def write_page(store: Path, file: Path) -> Path:
    content = collect(Boards(store=open_store(store)))
    file.write_text(render_page(content), encoding="utf-8")
    return file


Open = Callable[..., Any]


@pytest.fixture
def opened(chromium: Any, reference_page: Path, tmp_path: Path) -> Iterator[Open]:
    """Return ``opened(store=…, **options)``: the page in a browser; no script may have failed."""
    contexts, failures = [], []

    def open_page(store: Path | None = None, *, address: str = "", **options: Any) -> Any:
        context = chromium.new_context(accept_downloads=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: failures.append(str(error)))
        page.on("console", lambda said: failures.append(said.text))
        file = reference_page if store is None else write_page(store, tmp_path / "page.html")
        page.goto(file.as_uri() + address)
        if options.get("java_script_enabled", True):
            page.wait_for_selector("html.on")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert failures == []


def order(page: Any, table: str) -> list[str]:
    found: list[str] = page.eval_on_selector_all(
        f'table[data-table="{table}"] tbody tr',
        "rows => rows.map(r => r.querySelector('th').dataset.v)",
    )
    return found


def test_a_board_sorts_by_its_headings_and_the_address_keeps_it(opened: Open) -> None:
    page = opened()
    before = order(page, "board-usps")
    page.locator('table[data-table="board-usps"] th[data-name="fit_seconds"] button').click()
    by_time = order(page, "board-usps")
    assert by_time != before
    assert by_time[0] == "baseline-majority"
    assert "sort-board-usps=fit_seconds.asc" in page.url
    again = opened(address=page.url[page.url.index("#") :])
    assert order(again, "board-usps") == by_time


def test_sorting_works_by_keyboard(opened: Open) -> None:
    page = opened()
    page.locator('table[data-table="board-usps"] th[data-name="accuracy"] button').focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    assert order(page, "board-usps")[0] == "baseline-majority"
    head = page.locator('table[data-table="board-usps"] th[data-name="accuracy"]')
    assert head.get_attribute("aria-sort") == "ascending"


def test_the_filter_leaves_the_models_named(opened: Open) -> None:
    page = opened()
    page.locator("#filter").fill("svm")
    visible = page.locator("table.board tbody tr:visible")
    assert {row.locator("th").inner_text() for row in visible.all()} == {"svm-ovo"}
    page.locator("#filter").fill("")
    assert page.locator('table[data-table="board-usps"] tbody tr:visible').count() == 7


def test_a_confusion_opens_its_images(opened: Open) -> None:
    page = opened()
    page.locator("#c-matrix button").first.click()
    assert "read as" in page.locator("#c-images").inner_text()
    shares = page.locator("#c-matrix td.dg").first.inner_text()
    page.locator("#c-share").check()
    assert page.locator("#c-matrix td.dg").first.inner_text() != shares


def test_two_models_are_compared_as_the_board_decides(opened: Open) -> None:
    page = opened()
    page.locator("#p-board").select_option(label="usps")
    page.locator("#p-a").select_option(label="cnn-mnist-4pool")
    page.locator("#p-b").select_option(label="baseline-majority")
    verdict = page.locator("#p-verdict").inner_text()
    assert verdict.startswith("cnn-mnist-4pool reads 78.")
    assert "that difference is real (p < .001" in verdict
    assert "Only A misreads" in page.locator("#p-images").inner_text()
    again = opened(address=page.url[page.url.index("#") :])
    assert again.locator("#p-verdict").inner_text() == verdict


def test_a_table_leaves_the_page_as_csv_and_a_figure_as_svg(opened: Open) -> None:
    page = opened()
    with page.expect_download() as download:
        page.locator('[data-csv="board-usps"]').click()
    lines = download.value.path().read_text().splitlines()
    assert lines[0].startswith("rank,model,accuracy,interval,macro_f1")
    assert len(lines) == 8
    with page.expect_download() as download:
        page.locator("figure [data-svg]").first.click()
    text = download.value.path().read_text()
    assert text.startswith("<svg")
    assert 'xmlns="http://www.w3.org/2000/svg"' in text


def test_without_script_everything_else_is_there(opened: Open) -> None:
    page = opened(java_script_enabled=False)
    assert page.locator("table.board").count() == 6
    assert page.locator("#confusions table.conf").count() == 6
    assert page.locator("#filter").is_hidden()
    assert page.locator("#compare").is_hidden()
    assert page.locator("figure svg").count() > 10


@pytest.mark.parametrize("width", [390, 820, 1280])
def test_the_page_never_scrolls_sideways(opened: Open, width: int) -> None:
    page = opened(viewport={"width": width, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(
    ("scheme", "width"),
    [
        pytest.param("light", 1280, id="light"),
        pytest.param("dark", 1280, id="dark"),
        pytest.param("light", 390, id="phone"),
    ],
)
def test_axe_finds_nothing(opened: Open, scheme: str, width: int) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = opened(color_scheme=scheme, viewport={"width": width, "height": 900})
    page.wait_for_function("document.querySelectorAll('#p-matrix table').length")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_it_prints(opened: Open) -> None:
    page = opened()
    printed = page.pdf(format="A4")
    assert printed.startswith(b"%PDF")
    page.emulate_media(media="print")
    assert page.locator("nav").is_hidden()


def test_hostile_names_do_nothing(opened: Open, sample_store: Path, tmp_path: Path) -> None:
    names = [EVIL, "</script><b>", "<!--", "{{ 7*7 }}", "\u202egnirts", "x" * 10_000, "'\"&"]
    store = renamed(sample_store, tmp_path / "evil", names)
    page = opened(store)
    assert page.evaluate("window.ran") is None
    assert page.evaluate("document.scripts.length") == 2
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    shown = page.locator("main").inner_text()
    assert all(name in shown for name in (EVIL, "</script><b>", "<!--", "{{ 7*7 }}"))


def renamed(source: Path, target: Path, names: list[str]) -> Path:
    """Return a copy of a store whose models, datasets and classes have other names."""
    from bench.store.layout import Store
    from bench.store.read import evaluation_folders, read_evaluation, read_trial, trial_folders
    from bench.store.write import publish_evaluation, publish_trial

    old, new = Store(source), Store(target)
    new.root.mkdir()
    shutil.copytree(old.root / "splits", new.root / "splits")
    models: dict[str, str] = {}
    for folder in trial_folders(old):
        record = read_trial(old.trials / folder)
        name = models.setdefault(record.model, names[len(models) % len(names)])
        work = new.new_work_folder()
        for file in (old.trials / folder).iterdir():
            if file.name != "record.json":
                shutil.copy(file, work / file.name)
        dataset = f"{EVIL}{record.train_dataset}"
        changed = replace(record, model=name, train_dataset=dataset, reason=EVIL, record_sha256="")
        publish_trial(new, work, changed)
    for folder in evaluation_folders(old):
        evaluation = read_evaluation(old.evaluations / folder)
        work = new.new_work_folder()
        shutil.copy(old.evaluations / folder / "predictions.npz", work / "predictions.npz")
        changed_evaluation = replace(
            evaluation,
            test_dataset=f"{EVIL}{evaluation.test_dataset}",
            classes=tuple(f"{name}{EVIL}" for name in evaluation.classes),
            record_sha256="",
        )
        publish_evaluation(new, work, changed_evaluation)
    return target
