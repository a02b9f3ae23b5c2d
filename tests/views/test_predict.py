import gzip
import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

from bench.errors import BenchError, DataError
from bench.images.shape import adapt
from bench.plugins.discovery import Plugins, load_plugins
from bench.session import Request, execute
from bench.spec import Finding
from bench.store.layout import Store
from bench.store.read import read_evaluation
from bench.store.write import write_record
from bench.views.predict.drawing import Shown, readings_lines
from bench.views.predict.reading import DigitReading, Reading, Readings, read_path
from bench.views.predict.tables import readings_as_dicts, submission_rows
from bench.views.predict.trained import Trained, find_trained

SAMPLES = Path(__file__).parents[2] / "datasets" / "bench_datasets" / "samples" / "ids"


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    return load_plugins()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    root = tmp_path_factory.mktemp("trained")
    models = ("svm-ovo", "baseline-majority")
    execute(
        Request(models=models, datasets=("digits-uci",), store=root, isolate=False),
        lambda event: None,
    )
    return Store(root)


@pytest.fixture(scope="module")
def svm(plugins: Plugins, store: Store) -> Trained:
    return find_trained(plugins, store, "svm-ovo")


def strip_of(paths: Sequence[Path]) -> Image.Image:
    """Paste photos of single digits side by side on white paper."""
    photos = [Image.open(path).convert("L").resize((100, 100)) for path in paths]
    page = Image.new("L", (130 * len(photos) + 40, 180), photos[0].getpixel((2, 2)))
    for number, photo in enumerate(photos):
        page.paste(photo, (30 + 130 * number, 40))
    return page


def test_a_persons_folder_gives_the_id_and_its_truth(plugins: Plugins, svm: Trained) -> None:
    found = read_path(SAMPLES, plugins, svm, options={})
    assert found.kind == "folder"
    assert found.notes[0].startswith("layout: persons' folders with ids.csv; for example ")
    assert next((r.source, r.truth) for r in found.readings) == ("person-a", "05126707")
    assert [len(reading.digits) for reading in found.readings] == [8, 8, 8, 8]
    assert all("".join(d.truth for d in r.digits) == r.truth for r in found.readings)
    assert sum(not digit.is_wrong for digit in found.digits) >= 26


def test_one_photo_of_one_digit_is_one_reading(plugins: Plugins, svm: Trained) -> None:
    photo = SAMPLES / "person-a" / "1.png"
    (reading,) = read_path(photo, plugins, svm, options={}).readings
    assert (reading.source, reading.text) == ("1.png", "0")
    assert reading.digits[0].image is not None
    assert reading.digits[0].image.shape == svm.record.image_shape


def test_a_strip_is_read_in_order(plugins: Plugins, svm: Trained, tmp_path: Path) -> None:
    paths = [SAMPLES / "person-a" / f"{number}.png" for number in range(1, 9)]
    strip_of(paths).save(tmp_path / "id.png")
    (reading,) = read_path(tmp_path / "id.png", plugins, svm, options={}).readings
    assert len(reading.digits) == 8
    assert sum(a == b for a, b in zip(reading.text, "05126707", strict=True)) >= 6


def test_a_blank_page_has_no_digit_and_says_what_to_do(
    plugins: Plugins, svm: Trained, tmp_path: Path
) -> None:
    Image.new("L", (300, 200), 240).save(tmp_path / "blank.png")
    (reading,) = read_path(tmp_path / "blank.png", plugins, svm, options={}).readings
    assert reading.text == ""
    assert [finding.code for finding in reading.findings] == ["blank"]


def test_an_unlabelled_table_is_read_row_by_row(
    plugins: Plugins, svm: Trained, tmp_path: Path
) -> None:
    image = np.asarray(Image.open(SAMPLES / "person-a" / "2.png").convert("L"), np.float32)
    small = adapt((image / np.float32(255))[None, ..., None], (28, 28, 1))
    digit = 255 - 255 * small[0, ..., 0]
    row = ",".join(str(int(value)) for value in digit.ravel())
    header = ",".join(f"pixel{i}" for i in range(784))
    with gzip.open(tmp_path / "test.csv.gz", "wt") as file:
        file.write(f"{header}\n{row}\n{row}\n{row}\n")
    found = read_path(tmp_path / "test.csv.gz", plugins, svm, options={})
    assert found.kind == "table"
    assert len(found.digits) == 3
    assert len({digit.digit for digit in found.digits}) == 1
    assert all(digit.image is None for digit in found.digits)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        pytest.param("gone.jpg", None, "does not exist", id="missing"),
        pytest.param("text.jpg", b"not a picture", "text.jpg", id="no-picture"),
        pytest.param("empty.png", b"", "empty.png", id="empty"),
        pytest.param("notes.txt", b"hello", "notes.txt has no columns pixel0", id="other"),
    ],
)
def test_what_cannot_be_read_is_one_clear_line(
    plugins: Plugins,
    svm: Trained,
    tmp_path: Path,
    name: str,
    content: bytes | None,
    message: str,
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as error:
        read_path(tmp_path / name, plugins, svm, options={})
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_model_is_named_by_name_or_by_trial(plugins: Plugins, store: Store) -> None:
    by_name = find_trained(plugins, store, "svm-ovo")
    by_trial = find_trained(plugins, store, by_name.record.trial_id[:8])
    assert by_name.folder == by_trial.folder
    assert by_name.label == "svm-ovo trained on digits-uci"


def test_a_model_that_was_not_trained_says_how(plugins: Plugins, store: Store) -> None:
    with pytest.raises(BenchError, match=r"mlp has not been trained: .*; bench run -m mlp"):
        find_trained(plugins, store, "mlp")
    with pytest.raises(BenchError, match=r"'zzz' is no model and no trial"):
        find_trained(plugins, store, "zzz")


def test_a_model_trained_twice_lists_its_trials(plugins: Plugins, tmp_path: Path) -> None:
    for seeds, budget in (((1,), "full"), ((1,), "smoke")):
        execute(
            Request(
                models=("random-forest",),
                datasets=("digits-uci",),
                seeds=seeds,
                settings=("random-forest.n_estimators=3",),
                budget=budget,
                store=tmp_path,
                isolate=False,
            ),
            lambda event: None,
        )
    with pytest.raises(BenchError, match=r"random-forest has several trials: .*smoke.*; name one"):
        find_trained(plugins, Store(tmp_path), "random-forest")


def test_of_a_model_trained_again_after_a_change_the_last_trial_is_taken(
    plugins: Plugins, store: Store, svm: Trained, tmp_path: Path
) -> None:
    shutil.copytree(store.root, tmp_path / "store")
    both = Store(tmp_path / "store")
    old = svm.record.trial_id
    shutil.copytree(both.trial(old), both.trial("0123456789abcdef"))
    newer = msgspec.structs.replace(
        svm.record, trial_id="0123456789abcdef", started_at="2999-01-01T00:00:00+00:00"
    )
    write_record(both.trial("0123456789abcdef"), newer)
    for folder in list(both.evaluations.glob(f"{old}--*")):
        copy = folder.with_name(folder.name.replace(old, "0123456789abcdef"))
        shutil.copytree(folder, copy)
        record = msgspec.structs.replace(read_evaluation(folder), trial_id="0123456789abcdef")
        write_record(copy, record)
    found = find_trained(plugins, both, "svm-ovo")
    assert found.record.trial_id == "0123456789abcdef"


def digit(name: str, probability: float | None, truth: str = "") -> DigitReading:
    return DigitReading(
        digit=name,
        probability=probability,
        second="1",
        second_probability=None if probability is None else 1 - probability,
        image=np.zeros((28, 28, 1), np.float32),
        truth=truth,
    )


def photo(*digits: DigitReading, truth: str = "", source: str = "my_id.jpg") -> Readings:
    lines = (digits,) if digits else ()
    reading = Reading(source=source, lines=lines, truth=truth)
    return Readings(source=source, kind="photo", readings=(reading,))


def shown(found: Readings, *, width: int = 80, below: float = 0.8) -> str:
    how = Shown(model="cnn-robust shipped", seconds=0.4, width=width, below=below)
    return "\n".join(line.plain for line in readings_lines(found, how))


def test_an_uncertain_digit_is_said_with_its_runner_up() -> None:
    text = shown(photo(digit("7", 0.995), digit("7", 0.62)))
    assert text.startswith("my_id.jpg   77   (2 digits in one line, cnn-robust shipped, 0.4 s)")
    assert "2nd digit is uncertain: 7 (.62) or 1 (.38)" in text
    assert "1st digit" not in text


def test_what_is_uncertain_is_for_the_reader_to_say() -> None:
    found = photo(digit("7", 0.95), digit("7", 0.62))
    assert "uncertain digits: 1st 7 (.95) or 1 (.05); 2nd 7 (.62)" in shown(found, below=0.99)
    assert "uncertain" not in shown(found, below=0.5)


def test_scores_are_not_shown_as_probabilities() -> None:
    text = shown(photo(digit("7", None)))
    assert "gives scores, not probabilities" in text
    assert "uncertain" not in text


def test_wrong_digits_are_marked_where_the_truth_is_known() -> None:
    assert "7[4] → truth 71" in shown(photo(digit("7", 0.9, "7"), digit("4", 0.9, "1"), truth="71"))
    assert "74 ✓" in shown(photo(digit("7", 0.9, "7"), digit("4", 0.9, "4"), truth="74"))


def test_digits_that_were_not_found_keep_their_places() -> None:
    lost = DigitReading(digit="–", probability=0.0, truth="2")
    text = shown(photo(digit("7", 0.9, "7"), lost, truth="72"))
    assert "7[–] → truth 72" in text
    assert "2nd digit is uncertain: not found" in text
    all_lost = shown(photo(lost, lost, truth="22"))
    assert "[––] → truth 22" in all_lost
    assert "uncertain" not in all_lost


def test_a_strip_of_another_count_is_wrong_as_a_whole(
    plugins: Plugins, svm: Trained, tmp_path: Path
) -> None:
    paths = [SAMPLES / "person-a" / f"{number}.png" for number in range(1, 5)]
    strip_of(paths).save(tmp_path / "id.png")
    (tmp_path / "strips.csv").write_text("file,digits\nid.png,05126\n")
    (reading,) = read_path(tmp_path, plugins, svm, options={}).readings
    assert (reading.text, reading.truth) == ("–––––", "05126")
    assert next(finding.code for finding in reading.findings) == "wrong-count"


def test_hostile_names_are_shown_as_text() -> None:
    text = shown(photo(source="[red]\x1b[31m<b>.jpg"))
    assert "\x1b" not in text
    assert "[red]" in text
    assert "no digit found" in text


def test_the_json_form_holds_every_digit_and_every_unread_file() -> None:
    finding = Finding(sample="b.jpg", code="unreadable", fault="no picture", remedy="save it again")
    reading = Reading(source="a.jpg", lines=((digit("7", 0.62, "1"),),), truth="1")
    found = Readings(source="d", kind="folder", readings=(reading,), findings=(finding,))
    record, unread = readings_as_dicts(found, "m", 0.8)
    assert (record["source"], record["text"], record["truth"]) == ("a.jpg", "7", "1")
    assert record["lines"][0][0]["is_uncertain"] is True
    assert (unread["source"], unread["lines"]) == ("b.jpg", [])
    assert unread["findings"][0]["remedy"] == "save it again"
    assert record.keys() == unread.keys()


def folder(*readings: Reading, findings: tuple[Finding, ...] = ()) -> Readings:
    return Readings(source="mine", kind="folder", readings=readings, findings=findings)


def test_a_folder_of_single_digits_is_a_grid_with_a_summary() -> None:
    readings = [
        Reading(source=f"{i}.png", lines=((digit("7", 0.97, "7"),),), truth="7") for i in range(6)
    ]
    readings.append(Reading(source="9.png", lines=((digit("7", 0.6, "9"),),), truth="9"))
    text = shown(folder(*readings))
    assert "0.png  7 .97" in text
    assert "9.png  [7] .60 truth 9" in text
    assert "6 of 7 digits right · 1 uncertain (below .80)" in text
    assert "Abstaining below .80: .857 of the images are answered, 1.000 [" in text
    assert "IDs" not in text
    assert max(len(line) for line in text.splitlines()) <= 80


def test_findings_of_one_kind_are_one_line_that_names_the_photos() -> None:
    found = [
        Finding(sample=f"{i}.png", code="faint", fault="hardly any ink", remedy="press harder")
        for i in range(8)
    ]
    reading = Reading(source="0.png", lines=((digit("7", 0.97),),), findings=tuple(found[:1]))
    text = " ".join(shown(folder(reading, findings=tuple(found[1:]))).split())
    assert text.count("hardly any ink; press harder") == 1
    assert "(0.png, 1.png, 2.png, 3.png, 4.png and 3 more)" in text


def test_findings_of_one_code_that_differ_are_told_apart() -> None:
    found = [
        Finding(sample=f"{i}.png", code="no-label", fault=f"line {i} is wrong", remedy="mend it")
        for i in range(9)
    ]
    text = " ".join(shown(folder(findings=tuple(found))).split())
    assert "line 5 is wrong; mend it (5.png)" in text
    assert "line 6" not in text
    assert "no-label: 3 more; --json has them all" in text


def test_a_submission_numbers_rows_of_tables_and_names_photos() -> None:
    table = Reading(source="test.csv", lines=((digit("3", 0.9), digit("4", 0.9)),))
    rows = submission_rows([Readings(source="test.csv", kind="table", readings=(table,))])
    assert rows == [{"ImageId": 1, "Label": "3"}, {"ImageId": 2, "Label": "4"}]
    assert submission_rows([photo(digit("7", 0.9), digit("8", 0.8))]) == [
        {"file": "my_id.jpg", "label": "78", "confidence": "0.8000"}
    ]
