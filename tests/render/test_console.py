"""Names from outside are shown, never obeyed; colours are those both backgrounds show."""

import io
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from bench.render.console import _THEME, clean, make_console


@given(st.text())
def test_cleaned_text_moves_no_cursor_and_stays_on_a_line(text: str) -> None:
    cleaned = clean(text)
    assert not any(unicodedata.category(character).startswith("C") for character in cleaned)
    assert cleaned == " ".join(cleaned.split())


@given(st.text())
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        pytest.param("[red]odd[/red]", "[red]odd[/red]", id="markup-is-kept"),
        pytest.param("a\x1b[2Jb", "a[2Jb", id="escape"),
        pytest.param("two\nlines\tand  blanks", "two lines and blanks", id="blanks"),
        pytest.param("rtl\u202ename", "rtlname", id="turned-round"),
        pytest.param("数字 é", "数字 é", id="any-script"),
    ],
)
def test_what_cleaning_leaves(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


def test_no_style_is_dim_white_black_or_yellow() -> None:
    names = ("heading", "best", "good", "bad", "warn", "quiet")
    for name in names:
        style = _THEME.styles[name]
        assert not style.dim
        assert style.color is None or style.color.name in {"green", "red", "magenta", "default"}


def test_markup_is_not_interpreted() -> None:
    file = io.StringIO()
    make_console(file, width=80).print("[bold]:smile:[/bold]")
    assert file.getvalue() == "[bold]:smile:[/bold]\n"


def test_a_pipe_is_120_columns_wide_unless_columns_says_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert make_console(io.StringIO()).width == 120
    monkeypatch.setenv("COLUMNS", "70")
    assert make_console(io.StringIO()).width == 70


def test_no_color_leaves_no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    file = io.StringIO()
    monkeypatch.setenv("NO_COLOR", "1")
    make_console(file, width=80).print(Text("wrong", style="bad"))
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", file.getvalue())
