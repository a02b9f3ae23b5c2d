"""Hashes of definitions: what computes counts, how it is written down does not."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.planning.computing import COMPUTING, computing_files, harness_hash
from bench.plugins.definitions import definitions_hash, hash_of_definitions, imports_of
from bench.plugins.sources import hash_of_sources, read_once, read_sources

ROOT = Path(__file__).parents[2]
MODEL = '''
"""A model."""

import numpy as np
from bench import ModelSpec, hookimpl
from shades import CLASS

RATE = 0.5


def build(context):
    """Build it."""
    return RATE * CLASS  # half


def other():
    pass
'''


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("# half", "# a half", id="a comment"),
        pytest.param('"""Build it."""', '"""Make it."""', id="a docstring"),
        pytest.param('    """Build it."""\n', "", id="no docstring"),
        pytest.param("RATE * CLASS", "(RATE   *\n CLASS)", id="layout"),
        pytest.param("0.5", "5e-1", id="a number written otherwise"),
        pytest.param(
            "import ModelSpec, hookimpl", "import hookimpl", id="an import of the harness"
        ),
        pytest.param("from bench import", "from bench.spec import", id="where the harness has it"),
        pytest.param("RATE = 0.5\n", "", id="nothing, the constant moves"),
    ],
)
def test_what_computes_nothing_changes_no_hash(old: str, new: str) -> None:
    assert old in MODEL
    changed = MODEL.replace(old, new)
    if "RATE = 0.5" not in changed and old.startswith("RATE"):
        changed += "\n\nRATE = 0.5\n"
    assert definitions_hash(changed.encode()) == definitions_hash(MODEL.encode())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("0.5", "0.25", id="a constant"),
        pytest.param("0.5", "True", id="a constant of another type"),
        pytest.param("RATE * CLASS", "RATE + CLASS", id="an operator"),
        pytest.param("RATE * CLASS", "CLASS * RATE", id="the order of operands"),
        pytest.param("def other", "@np.vectorize\ndef other", id="a decorator"),
        pytest.param("import numpy as np", "import math as np", id="what a name stands for"),
        pytest.param("hookimpl\n", "hookspec as hookimpl\n", id="another name of the harness"),
        pytest.param("from shades", "from colours", id="where a name comes from"),
        pytest.param("def build(context)", "def build(context, n=3)", id="a default"),
        pytest.param("RATE = 0.5", "RATE = 0.5\nRATE += 1", id="a statement"),
        pytest.param("RATE = 0.5", 'RATE = "0.5"', id="a string"),
        pytest.param("    pass", "    yield", id="a body"),
    ],
)
def test_what_computes_changes_the_hash(old: str, new: str) -> None:
    assert old in MODEL
    assert definitions_hash(MODEL.replace(old, new).encode()) != definitions_hash(MODEL.encode())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("X = 1\nX = 2", "X = 2\nX = 1", id="a name bound twice"),
        pytest.param("A = next(n)\nB = next(n)", "B = next(n)\nA = next(n)", id="calls"),
        pytest.param(
            "@step\ndef a(): 1\n@step\ndef b(): 2",
            "@step\ndef b(): 2\n@step\ndef a(): 1",
            id="steps",
        ),
        pytest.param(
            "def f(): return 1\ndef f(): return 2",
            "def f(): return 2\ndef f(): return 1",
            id="defined twice",
        ),
        pytest.param("f(1)\ng(2)", "g(2)\nf(1)", id="statements"),
        pytest.param(
            "class B:\n def __init_subclass__(c): all.append(c)\nclass C(B): 1\nclass D(B): 2",
            "class B:\n def __init_subclass__(c): all.append(c)\nclass D(B): 2\nclass C(B): 1",
            id="classes that are registered",
        ),
    ],
)
def test_an_order_that_computes_counts(one: str, other: str) -> None:
    assert definitions_hash(one.encode()) != definitions_hash(other.encode())


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(b"def {{ name }}():\n    print 'template'\n", id="a template"),
        pytest.param(b"a\0b", id="NUL"),
        pytest.param(b"\xff\xfe\x00", id="no text"),
        pytest.param(b"(" * 5_000, id="nested"),
        pytest.param(b"x = " + b"-" * 20_000 + b"1", id="a long row of signs"),
        pytest.param(b"x = '\\d'", id="a doubtful escape"),
        pytest.param(b"x = 1" + b"0" * 6_000, id="a long number"),
        pytest.param(b"x = '\\ud800'", id="a lone surrogate"),
        pytest.param(b"x = " + b"1+" * 3_000 + b"1", id="a deep sum"),
    ],
)
def test_any_bytes_have_a_hash_of_their_own(source: bytes) -> None:
    assert definitions_hash(source) == definitions_hash(source)
    assert definitions_hash(source) != definitions_hash(source + b"\nY = 1\n")


def test_moving_a_function_to_another_file_of_the_harness_changes_nothing() -> None:
    one, two = b"def f(x): return x\ndef g(x): return x + 1\n", b"Y = 3\n"
    moved = b"from bench.two import g\ndef f(x): return x\n", b"Y = 3\ndef g(x): return x + 1\n"
    before = hash_of_definitions([one, two], exported_names=False)
    assert hash_of_definitions(moved, exported_names=False) == before
    changed = moved[0], moved[1].replace(b"1", b"2")
    assert hash_of_definitions(changed, exported_names=False) != before


def test_every_declared_file_of_the_harness_is_there() -> None:
    assert [path for path in computing_files() if not path.is_file()] == []
    assert all(COMPUTING.values())


def test_what_computing_files_import_of_the_harness_is_declared_or_computes_nothing() -> None:
    silent = {
        "adapters.greetings": "silences libraries",
        "adapters.keras_describe": "counts parameters",
        "adapters.torch_describe": "counts parameters",
        "bench": "names only",
        "errors": "words",
        "execution.latency": "measures time",
        "execution.splits": "maps files whose content hash is in the identity",
        "images": "names only",
        "adapters.keras_file": "refuses files",
        "images.augment": "declared",
        "loading.mnist_c": "names of files whose content hash is in the identity",
        "loading": "splits, whose content hash is in the identity",
        "options": "resolved options are in the identity",
        "planning.task": "what a worker is told",
        "spec": "types; as_float is declared",
        "sample_names": "names only",
    }
    declared = {name.partition(":")[0].removesuffix(".__init__") for name in COMPUTING}
    found = set()
    for entry, path in zip(COMPUTING, computing_files(), strict=True):
        if ":" in entry:
            continue
        for level, module, _ in imports_of(ast.parse(path.read_bytes())):
            if not level and module.partition(".")[0] == "bench":
                found.add(module.partition(".")[2] or "bench")
    undeclared = found - declared - silent.keys()
    remedy = "name each in bench/planning/computing.py, or here with why it computes nothing"
    assert undeclared == set(), remedy


def test_the_hash_of_the_harness_is_kept_in_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_CACHE_DIR", str(tmp_path))
    harness_hash.cache_clear()
    first = harness_hash()
    (kept,) = (tmp_path / "harness").iterdir()
    assert kept.read_text() == first
    harness_hash.cache_clear()
    assert harness_hash() == first
    kept.write_text("torn")
    harness_hash.cache_clear()
    assert harness_hash() == first


_HASHES = """
import sys, types, pathlib
sys.path.insert(0, sys.argv[1])
package = types.ModuleType("bench"); package.__path__ = [sys.argv[1] + "/bench"]
plugins = types.ModuleType("bench.plugins"); plugins.__path__ = [sys.argv[1] + "/bench/plugins"]
sys.modules["bench"], sys.modules["bench.plugins"] = package, plugins
from bench.plugins.definitions import definitions_hash
for folder in sys.argv[2:]:
    for path in sorted(pathlib.Path(folder).rglob("*.py")):
        print(definitions_hash(path.read_bytes()), path)
"""


def _pythons() -> list[str]:
    """Return the interpreters of the supported versions that are on this machine."""
    roots = [Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"]
    found = {}
    for minor in (11, 12, 13):
        places = [p / "bin/python" for root in roots for p in sorted(root.glob(f"3.{minor}.*"))]
        path = next((str(p) for p in places if p.is_file()), shutil.which(f"python3.{minor}"))
        if path:
            found[minor] = path
    return list(found.values())


def test_python_3_11_to_3_13_agree_on_every_source(tmp_path: Path) -> None:
    pythons = _pythons()
    if len(pythons) < 2:
        pytest.skip("only one of Python 3.11, 3.12 and 3.13 is on this machine")
    tricky = tmp_path / "tricky.py"
    tricky.write_text(
        'x = 3\nw = 5\nA = f"{x:>{w}}" f"b{x!r:^{w}.3}" "c" f"{x=}{x:}"\nB = {**{}, "k": 1}\n'
        "class C[T]: pass\n" * (sys.version_info > (3, 14)) + 'D = "\\u0378\\U000e0001ä"\n',
        encoding="utf-8",
    )
    folders = [str(ROOT / name) for name in ("bench", "plugins", "datasets", "tests/core")]
    outputs = {
        subprocess.run(
            [python, "-c", _HASHES, str(ROOT), *folders, str(tmp_path)],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for python in pythons
    }
    assert len(outputs) == 1


def write(folder: Path, files: dict[str, str]) -> None:
    """Write small files."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def test_a_file_is_followed_through_what_it_imports_of_its_folder(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "mine.py": "def build(c):\n    import shades\n    from parts.deep import more\n",
            "shades.py": "import numpy\nCLASS = 3\n",
            "parts/deep/more.py": "from . import still\n",
            "parts/deep/still.py": "",
            "unused.py": "",
            "bench/__init__.py": "another bench\n",
        },
    )
    found = read_sources(file=str(tmp_path / "mine.py"))
    assert list(found.files) == [
        "mine.py",
        "parts/deep/more.py",
        "parts/deep/still.py",
        "shades.py",
    ]


def test_a_package_is_followed_through_relative_and_namespace_imports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(
        tmp_path / "one",
        {
            "pack/models.py": "from .sub import a\nfrom . import b\nimport pack.c as c\n",
            "pack/sub/a.py": "from ..d import *\n",
            "pack/b.py": "import json\n",
            "pack/d/__init__.py": "from ..e import E\n",
            "pack/e.py": "E = 1\n",
            "pack/unused.py": "",
            "pack/skeleton.py": "def {{ name }}():\n",
        },
    )
    write(tmp_path / "two", {"pack/c.py": "C = 1\n"})
    monkeypatch.syspath_prepend(tmp_path / "two")
    monkeypatch.syspath_prepend(tmp_path / "one")
    found = read_sources(module="pack.models")
    assert list(found.files) == [
        "pack/b.py",
        "pack/c.py",
        "pack/d/__init__.py",
        "pack/e.py",
        "pack/models.py",
        "pack/sub/a.py",
    ]


def test_a_file_that_does_not_parse_counts_by_its_bytes(tmp_path: Path) -> None:
    write(tmp_path, {"mine.py": "import half\n", "half.py": "def {{ name }}():\n"})
    before = hash_of_sources(read_sources(file=str(tmp_path / "mine.py")))
    write(tmp_path, {"half.py": "def {{ other }}():\n"})
    assert hash_of_sources(read_sources(file=str(tmp_path / "mine.py"))) != before


def test_swapping_two_modules_changes_the_hash(tmp_path: Path) -> None:
    write(tmp_path, {"mine.py": "import a, b\n", "a.py": "K = 1\n", "b.py": "K = 2\n"})
    before = hash_of_sources(read_sources(file=str(tmp_path / "mine.py")))
    write(tmp_path, {"a.py": "K = 2\n", "b.py": "K = 1\n"})
    assert hash_of_sources(read_sources(file=str(tmp_path / "mine.py"))) != before


def test_a_plugin_that_is_gone_has_no_sources(tmp_path: Path) -> None:
    assert read_sources(file=str(tmp_path / "gone.py")).files == {}
    assert read_sources(module="no_such_package_anywhere.x").files == {}


def test_what_is_planned_together_sees_one_state_of_a_plugin(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("a = 1\n")
    with read_once():
        before = read_sources(file=str(file))
        file.write_text("a = 2\n")
        assert read_sources(file=str(file)) is before
    assert read_sources(file=str(file)).files == {"mine.py": b"a = 2\n"}
