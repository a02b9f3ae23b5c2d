import pytest

from bench.render.hints import as_typed


@pytest.mark.parametrize(
    ("typed", "text", "expected"),
    [
        pytest.param("bench", "see bench list", "see bench list", id="as-it-is"),
        pytest.param("script/bench", "see bench list", "see script/bench list", id="script"),
        pytest.param(
            "python -m bench",
            "try python -m bench run",
            "try python -m bench run",
            id="said-already",
        ),
        pytest.param(
            "digitbench", "bench means a benchmark", "bench means a benchmark", id="prose"
        ),
    ],
)
def test_hints_name_the_program_as_it_was_typed_and_once(
    monkeypatch: pytest.MonkeyPatch, typed: str, text: str, expected: str
) -> None:
    monkeypatch.setenv("BENCH_PROG", typed)
    assert as_typed(text) == expected
