"""A published site: anonymous, the same bytes for the same results, nothing of others touched."""

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import html5lib
import pytest

REPOSITORY = Path(__file__).parents[2]
NAMESPACE = "{http://www.w3.org/1999/xhtml}"
Run = Callable[..., Any]


@pytest.fixture
def site(run_bench: Run, sample_store: Path, tmp_path: Path) -> Path:
    ended = run_bench("publish", tmp_path / "site", "--store", sample_store)
    assert ended.code == 0, ended.err
    return tmp_path / "site"


def pages(site: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in site.iterdir()}


def test_a_page_a_board_and_a_model_is_written_and_every_link_leads_somewhere(site: Path) -> None:
    names = set(pages(site))
    assert {"index.html", "board-home.html", "board-away.html", "model-alpha.html"} <= names
    for path in site.glob("*.html"):
        tree = html5lib.HTMLParser(strict=True).parse(path.read_text("utf-8"))
        for link in tree.iter(NAMESPACE + "a"):
            target = link.get("href")
            assert target.startswith("#") or target in names, (path.name, target)


def test_own_folders_and_persons_are_never_published(site: Path, run_bench: Run) -> None:
    everything = b"".join(pages(site).values())
    assert b"writer-" not in everything
    assert "board-people.html" not in pages(site)


def test_written_again_nothing_changes_and_made_anew_it_has_the_same_bytes(
    site: Path, run_bench: Run, sample_store: Path, tmp_path: Path
) -> None:
    before = pages(site)
    again = run_bench("publish", site, "--store", sample_store)
    assert "wrote 0 pages" in again.out
    run_bench("publish", tmp_path / "other", "--store", sample_store)
    assert pages(tmp_path / "other") == before == pages(site)


def test_a_board_that_is_gone_leaves_the_site(
    site: Path, run_bench: Run, sample_store: Path
) -> None:
    ended = run_bench("publish", site, "--store", sample_store, "-d", "home")
    assert "removed board-away.html" in ended.out
    assert "board-away.html" not in pages(site)
    assert "away" not in (site / "index.html").read_text("utf-8")


def test_a_folder_with_other_things_is_refused(
    run_bench: Run, sample_store: Path, tmp_path: Path
) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "index.html").write_text("mine")
    ended = run_bench("publish", "thesis", "--store", sample_store)
    assert ended.code == 2
    assert "holds other things" in ended.err
    assert pages(tmp_path / "thesis") == {"index.html": b"mine"}


def test_a_state_file_removes_nothing_outside_its_folder(
    site: Path, run_bench: Run, sample_store: Path, tmp_path: Path
) -> None:
    (tmp_path / "precious.html").write_text("mine")
    state = json.loads((site / "digitbench.json").read_text())
    state["made_of"]["../precious.html"] = "0"
    (site / "digitbench.json").write_text(json.dumps(state))
    assert run_bench("publish", site, "--store", sample_store).code == 0
    assert (tmp_path / "precious.html").read_text() == "mine"


def test_a_trial_whose_files_were_changed_says_so(run_bench: Run, tmp_path: Path) -> None:
    run = ["run", "-m", "baseline-majority", "-d", "digits-uci", "--no-isolation"]
    assert run_bench(*run, "--store", "store").code == 0

    def trust() -> str:
        ended = run_bench("publish", "site", "--store", "store")
        assert ended.code == 0, ended.err
        return (tmp_path / "site" / "model-baseline-majority.html").read_text("utf-8")

    assert 'data-v="files intact"' in trust()
    (log,) = (tmp_path / "store").glob("trials/*/log.txt")
    log.write_text("all went well\n")
    shutil.rmtree(tmp_path / "site")
    page = trust()
    assert 'data-v="files intact"' not in page
    assert "log.txt" in page


def test_a_trial_that_was_trained_again_here_says_so(run_bench: Run, tmp_path: Path) -> None:
    run = ["run", "-m", "baseline-majority", "-d", "digits-uci", "--no-isolation"]
    assert run_bench(*run, "--store", "store").code == 0
    again = run_bench("results", "verify", "--rerun", "1", "--json", "--store", "store")
    assert again.code == 0, again.err
    (tmp_path / "reruns.json").write_text(again.out)
    ended = run_bench("publish", "site", "--store", "store", "--reruns", "reruns.json")
    assert ended.code == 0, ended.err
    page = (tmp_path / "site" / "model-baseline-majority.html").read_text("utf-8")
    assert 'data-v="re-run here: identical"' in page
    told = json.loads(again.out)
    told["reruns"][0] |= {"is_fine": False, "verdict": "different"}
    (tmp_path / "reruns.json").write_text(json.dumps(told))
    run_bench("publish", "site", "--store", "store", "--reruns", "reruns.json")
    page = (tmp_path / "site" / "model-baseline-majority.html").read_text("utf-8")
    assert 'data-v="re-run here: NOT the same (different)"' in page
    told["reruns"][0]["record_sha256"] = "0" * 64  # of another record under the same id
    (tmp_path / "reruns.json").write_text(json.dumps(told))
    run_bench("publish", "site", "--store", "store", "--reruns", "reruns.json")
    page = (tmp_path / "site" / "model-baseline-majority.html").read_text("utf-8")
    assert 'data-v="files intact"' in page


def test_predictions_of_another_program_are_external(run_bench: Run, tmp_path: Path) -> None:
    (tmp_path / "preds.csv").write_text("predicted\n" + "1\n" * 360)
    added = run_bench(
        *("results", "add-predictions", "preds.csv", "-m", "mine", "-d", "digits-uci"),
        *("--store", "store"),
    )
    assert added.code == 0, added.err
    assert run_bench("publish", "site", "--store", "store").code == 0
    page = (tmp_path / "site" / "model-mine.html").read_text("utf-8")
    assert 'data-v="external: its predictions were made elsewhere"' in page


@pytest.mark.parametrize("text", ["", "[]", '{"trials": 3}', '{"reruns": 1}', "\x00"])
def test_what_is_no_list_of_reruns_is_said_in_one_line(
    text: str, run_bench: Run, sample_store: Path, tmp_path: Path
) -> None:
    (tmp_path / "reruns.json").write_text(text)
    ended = run_bench("publish", "site", "--store", sample_store, "--reruns", "reruns.json")
    assert ended.code == 2
    assert "reruns.json holds no trials trained again" in ended.err
    assert len(ended.err.strip().splitlines()) == 1
    assert not (tmp_path / "site").exists()


def test_without_a_shipped_classifier_there_is_no_page_to_draw_on(
    run_bench: Run, sample_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.report.classifier.browser_classifier", lambda models: "")
    ended = run_bench("publish", tmp_path / "site", "--store", sample_store)
    assert ended.code == 0, ended.err
    assert "draw.html" not in pages(tmp_path / "site")
    assert "draw.html" not in (tmp_path / "site" / "index.html").read_text("utf-8")


@pytest.mark.heavy
def test_the_workflow_shown_publishes_what_is_sound_and_stops_at_what_is_not(
    run_bench: Run, tmp_path: Path
) -> None:
    page = (REPOSITORY / "docs/how-to/report.md").read_text("utf-8")
    (script,) = re.findall(r"- run: \|\n((?: {10}.*\n)+)", page)
    script = textwrap.dedent(script)
    assert "bench publish" in script
    run = ["run", "-m", "baseline-majority", "-d", "digits-uci", "--no-isolation"]
    assert run_bench(*run, "--store", "store").code == 0
    (tmp_path / "submissions").mkdir()
    exported = run_bench("results", "export", "submissions/one.zip", "--store", "store")
    assert exported.code == 0, exported.err

    def publish(folder: Path) -> int:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        ended = subprocess.run(["bash", "-e", "-c", script], cwd=folder, env={"PATH": path})
        return ended.returncode

    assert publish(tmp_path) == 0
    assert (tmp_path / "site" / "model-baseline-majority.html").is_file()
    other = tmp_path / "other"
    (other / "submissions").mkdir(parents=True)
    changed = other / "submissions" / "one.zip"
    with (
        zipfile.ZipFile(tmp_path / "submissions" / "one.zip") as sound,
        zipfile.ZipFile(changed, "w") as bad,
    ):
        for name in sound.namelist():
            data = sound.read(name)
            bad.writestr(name, data.replace(b'"seed":', b'"seed": 1', 1))
    assert publish(other) != 0
    assert not (other / "site").exists()


def test_boards_and_trials_draw_themselves_in_a_notebook(sample_store: Path) -> None:
    import bench

    boards = bench.load_boards(sample_store)
    home = next(each for each in boards if each.board.test_dataset == "home")
    shown = home._repr_html_()
    html5lib.HTMLParser(strict=True).parseFragment(shown)
    assert "<td>alpha</td>" in shown
    assert list(home.rows.model[:1]) == [home.board.rows[0].model]
    assert home.confusions("alpha").sum() == 200
    assert type(home.figure()).__module__ == "matplotlib.figure"
    assert type(home.confusion_figure()).__module__ == "matplotlib.figure"
    trial = bench.load_trial(home.board.rows[0].trials[0], sample_store)
    assert home.board.rows[0].trials[0] in trial._repr_html_()


def test_a_run_writes_the_page_and_refuses_anothers_place_before_it_trains(
    run_bench: Run, tmp_path: Path
) -> None:
    (tmp_path / "thesis.html").write_text("mine")
    command = ["run", "-m", "baseline-majority", "-d", "digits-uci", "--no-isolation"]
    refused = run_bench(*command, "--html", "thesis.html")
    assert refused.code == 2
    assert "exists already" in refused.err
    assert not (tmp_path / "results").exists()
    for _ in range(2):  # a page of ours is renewed
        ended = run_bench(*command, "--html", "page.html")
        assert ended.code == 0, ended.err
        assert "baseline-majority" in (tmp_path / "page.html").read_text("utf-8")
