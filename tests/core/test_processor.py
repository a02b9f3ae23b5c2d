"""What the processor can compute with, and what the engines were told to do without."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.planning import processor
from bench.planning.identity import resolve_precision
from bench.planning.processor import has_bfloat16, instruction_set
from bench.spec import ModelSpec

HASWELL = frozenset({"sse4_1", "avx", "avx2", "fma"})
SKYLAKE = HASWELL | {"avx512f", "avx512bw", "avx512dq", "avx512vl"}
ZEN_4 = SKYLAKE | {"avx512_vnni", "avx512_bf16"}
EMULATE = Path(__file__).parents[2] / "script" / "emulate.py"


@pytest.fixture
def of_flags(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An Intel or AMD processor, to be given its flags."""
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA", raising=False)
    return monkeypatch


@pytest.mark.parametrize(
    ("flags", "name", "is_fast"),
    [
        pytest.param(frozenset(), "", False, id="not-told"),
        pytest.param(HASWELL, "AVX2", False, id="haswell"),
        pytest.param(SKYLAKE, "AVX512_CORE", False, id="skylake"),
        pytest.param(ZEN_4, "AVX512_CORE_BF16", True, id="zen-4"),
        pytest.param(ZEN_4 | {"amx_bf16", "amx_tile"}, "AVX512_CORE_AMX", True, id="sapphire"),
    ],
)
def test_the_best_instructions_are_named(
    of_flags: pytest.MonkeyPatch, flags: frozenset[str], name: str, is_fast: bool
) -> None:
    of_flags.setattr(processor, "processor_flags", lambda: flags)
    assert instruction_set() == name
    assert has_bfloat16() is is_fast


@pytest.mark.parametrize(
    ("most", "name"),
    [
        pytest.param("AVX2", "AVX2", id="less"),
        pytest.param("avx2", "AVX2", id="in-small-letters"),
        pytest.param("AVX512_CORE_AMX", "AVX512_CORE_BF16", id="more-than-there-is"),
        pytest.param("NONSENSE", "AVX512_CORE_BF16", id="no-such-limit"),
    ],
)
def test_the_limit_that_onednn_was_given_holds(
    of_flags: pytest.MonkeyPatch, most: str, name: str
) -> None:
    of_flags.setattr(processor, "processor_flags", lambda: ZEN_4)
    of_flags.setenv("ONEDNN_MAX_CPU_ISA", most)
    assert instruction_set() == name


def test_an_arm_processor_has_neon(of_flags: pytest.MonkeyPatch) -> None:
    of_flags.setattr("platform.machine", lambda: "arm64")
    of_flags.setattr(processor, "processor_flags", frozenset)
    assert instruction_set() == "NEON"


def _emulate(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    if not EMULATE.is_file():
        pytest.skip("the source distribution has no script/")
    return subprocess.run(
        [sys.executable, str(EMULATE), *arguments],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_an_emulated_processor_is_what_numpy_and_bench_see() -> None:
    ask = (
        "import json, warnings; warnings.simplefilter('error'); import numpy.lib.introspect;"
        "from bench.planning.processor import instruction_set; import sys;"
        "from threadpoolctl import threadpool_info; kernel = threadpool_info()[0]['architecture'];"
        "json.dump([instruction_set(), kernel], sys.stdout)"
    )
    ended = _emulate("prescott", sys.executable, "-c", ask)
    assert (ended.returncode, ended.stderr) == (0, "")
    instructions, kernel = json.loads(ended.stdout)
    assert instructions in ("SSE41", "")
    assert kernel in ("Prescott", "Katmai")


def test_the_exit_code_of_an_emulated_command_is_passed_on() -> None:
    assert _emulate("haswell", sys.executable, "-c", "raise SystemExit(7)").returncode == 7


def test_an_unknown_processor_is_refused_with_the_names_there_are() -> None:
    ended = _emulate("pentium", "true")
    assert ended.returncode == 2
    assert "haswell, zen, prescott" in ended.stderr


@pytest.mark.parametrize(
    ("holds", "precision"), [pytest.param(True, "bfloat16", id="known"), (False, "float32")]
)
def test_auto_takes_bfloat16_only_where_accuracy_is_known_to_hold(
    of_flags: pytest.MonkeyPatch, holds: bool, precision: str
) -> None:
    of_flags.setattr(processor, "processor_flags", lambda: ZEN_4)
    spec = ModelSpec(
        name="x",
        summary="",
        build=lambda context: None,  # type: ignore[arg-type, return-value]  # never built
        precisions=("float32", "bfloat16"),
        bfloat16_holds=holds,
    )
    assert resolve_precision("auto", spec) == precision
    assert resolve_precision("bfloat16", spec) == "bfloat16"
