"""What becomes data is the same, byte for byte, on every processor and number of threads."""

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[1]
SCRIPT: Final = HERE / "data_digests.py"
STORED: Final = HERE / "data_digests.json"

# What depends on the processor; its place is `bench.images.exact`, where it is made not to.
LIBRARY_DIGITS: Final = re.compile(
    "(arc|a)?(sin|cos|tan)[2h]?|exp(2|m1)?|log(2|10|1p)?|power|pow|hypot|cbrt|hanning|hamming"
    "|blackman|kaiser|sinc|(log|standard_)?normal|gaussian_filter(1d)?|fft"
)
# These judge a file that is in doubt, by thresholds far from the last digits, and make no data.
JUDGES: Final = frozenset(
    {"bench/loading/plausibility.py", "datasets/bench_datasets/_ladder/nameless.py"}
)
PRODUCTS: Final = re.compile("matmul|v?dot|inner|tensordot|einsum|linalg|polyfit|corrcoef|convolve")


def _digests(*prefix: str, threads: int) -> dict[str, str]:
    counts = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    ended = subprocess.run(
        [*prefix, sys.executable, str(SCRIPT)],
        env={**os.environ, **dict.fromkeys(counts, str(threads))},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
        timeout=300,
    )
    found: dict[str, str] = json.loads(ended.stdout)
    return found


def test_what_becomes_data_has_the_bytes_that_it_had() -> None:
    assert _digests(threads=2) == json.loads(STORED.read_text()), (
        "meant to change? see tests/images/data_digests.py"
    )


@pytest.mark.heavy
@pytest.mark.parametrize("threads", [pytest.param(n, id=f"{n}-threads") for n in (1, 2)])
@pytest.mark.parametrize(
    "processor", [pytest.param(name, id=name) for name in ("haswell", "zen", "prescott")]
)
def test_what_becomes_data_is_the_same_on_an_emulated_processor(
    processor: str, threads: int
) -> None:
    emulate = ROOT / "script" / "emulate.py"
    if not emulate.is_file():
        pytest.skip("the source distribution has no script/")
    found = _digests(sys.executable, str(emulate), processor, threads=threads)
    assert found == json.loads(STORED.read_text())


def _modules() -> Iterator[Path]:
    for folder in ("bench/images", "bench/loading", "datasets/bench_datasets"):
        yield from sorted((ROOT / folder).rglob("*.py"))


def _offences(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.BinOp(op=ast.MatMult()) | ast.AugAssign(op=ast.MatMult()):
                yield f"line {node.lineno}: @"
            case ast.BinOp(op=ast.Pow(), left=base, right=exponent):
                if not (_is_whole(exponent) or _is_two(base)):
                    yield f"line {node.lineno}: **"
            case ast.Call(func=ast.Attribute(attr="argsort"), keywords=keywords):
                if not any(each.arg == "kind" for each in keywords):
                    yield f"line {node.lineno}: argsort without kind='stable'"
            case ast.Attribute(value=ast.Name(id="tf")):
                pass  # in the graph of a training, which is not data
            case ast.Attribute(attr=name) if _depends(name):
                yield f"line {node.lineno}: {name}"


def _depends(name: str) -> bool:
    return bool(LIBRARY_DIGITS.fullmatch(name) or PRODUCTS.fullmatch(name))


def _is_two(base: ast.expr) -> bool:
    return isinstance(base, ast.Constant) and base.value == 2


def _is_whole(exponent: ast.expr) -> bool:
    return isinstance(exponent, ast.Constant) and isinstance(exponent.value, int)


def test_no_module_that_makes_data_calls_what_depends_on_the_processor() -> None:
    found = [
        f"{path.relative_to(ROOT)} {offence}"
        for path in _modules()
        if path.name != "exact.py" and str(path.relative_to(ROOT)) not in JUDGES
        for offence in _offences(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not found


def test_the_search_for_such_calls_finds_them() -> None:
    source = "a @ b; np.exp(x); rng.normal(0, 1); np.argsort(x); np.linalg.norm(x); x ** 0.5; x**2"
    assert len(list(_offences(ast.parse(source)))) == 6
