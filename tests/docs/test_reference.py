"""The reference says what the code says: nothing undocumented, nothing stale."""

import importlib.util
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest

from bench.cli import VERB_LINES
from bench.images.findings import FAULTS
from bench.plugins.discovery import load_plugins
from bench.store.fields import FIELDS
from bench.store.record import EvaluationRecord, TrialRecord

FILES_PAGE = "../how-to/what-your-files-may-look-like.md"
PAGES = ("cli.md", "hooks.md", "options.md", "python.md", "records.md", FILES_PAGE)


@pytest.fixture(scope="module")
def generator(repository: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "generate_docs", repository / "script/generate_docs.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def page(repository: Path) -> Callable[[str], str]:
    return lambda name: (repository / "docs/reference" / name).read_text(encoding="utf-8")


def built_in_specs() -> list[Any]:
    """Return the specs of every built-in model and dataset."""
    plugins = load_plugins()
    return [*plugins.models.values(), *plugins.datasets.values()]


@pytest.mark.parametrize("name", PAGES, ids=lambda name: str(name))
def test_page_is_what_the_code_says_now(
    name: str, generator: ModuleType, page: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_PROG", "bench")

    assert page(name) == generator.pages()[name], "run: .venv/bin/python script/generate_docs.py"


def test_every_hook_is_documented_with_its_signature(
    generator: ModuleType, page: Callable[[str], str]
) -> None:
    text = page("hooks.md")
    signatures = {
        name: f"def {name}({', '.join(hook.__code__.co_varnames[: hook.__code__.co_argcount])}):"
        for name, hook in generator.hooks().items()
    }

    assert len(signatures) >= 7
    assert [name for name, line in signatures.items() if line not in text] == []


def test_every_verb_is_documented(repository: Path, page: Callable[[str], str]) -> None:
    present = [name for name in VERB_LINES if (repository / f"bench/cli/{name}.py").exists()]

    assert [name for name in present if f"\n## bench {name}\n" not in page("cli.md")] == []


def test_design_says_which_verbs_are_not_built_yet(repository: Path) -> None:
    design = (repository / "docs/design.md").read_text(encoding="utf-8")
    said = set(re.findall(r"`bench (\w+)`", design.partition("## Not built yet")[2]))
    absent = {name for name in VERB_LINES if not (repository / f"bench/cli/{name}.py").exists()}

    assert said == absent


def test_every_verb_shows_an_example(page: Callable[[str], str]) -> None:
    sections = page("cli.md").split("\n## bench ")[1:]

    assert [s.split("\n")[0] for s in sections if "bench " not in s.split("\n", 1)[1]] == []


def test_every_option_of_a_built_in_plugin_is_documented(page: Callable[[str], str]) -> None:
    text = page("options.md")
    missing = [
        f"{spec.name}.{option}"
        for spec in built_in_specs()
        for option in spec.options
        if f"| `{option}` |" not in text.partition(f"\n### {spec.name}\n")[2].partition("\n### ")[0]
    ]

    assert missing == []


def test_every_option_has_help() -> None:
    silent = [
        f"{spec.name}.{name}"
        for spec in built_in_specs()
        for name, option in spec.options.items()
        if not getattr(option, "help", "")
    ]

    assert silent == []


@pytest.mark.parametrize(
    "record",
    [
        pytest.param(TrialRecord, id="trial"),
        pytest.param(EvaluationRecord, id="evaluation"),
    ],
)
def test_every_record_field_is_in_the_registry(record: type[msgspec.Struct]) -> None:
    names = [field.name for field in msgspec.structs.fields(record)]

    assert [name for name in names if name not in FIELDS] == []


def test_every_field_of_the_registry_is_documented(page: Callable[[str], str]) -> None:
    text = page("records.md")

    assert [name for name in FIELDS if f"| `{name}` |" not in text] == []


def test_every_finding_of_preprocessing_is_explained(repository: Path) -> None:
    text = (repository / "docs/tutorials/your-own-handwriting.md").read_text(encoding="utf-8")
    rows = {f"| `{code}` | {fault} | {remedy} |" for code, (fault, remedy) in FAULTS.items()}

    assert [row for row in sorted(rows) if row not in text] == []
