"""Leaderboards as text: Markdown for a README or a pull request, LaTeX for a paper."""

import re
from collections.abc import Callable, Iterator
from typing import Final

from bench.board.rows import Board, Row
from bench.report.columns import BOARD, names_of
from bench.report.content import BoardPart, Content
from bench.report.words import Sentence
from bench.store.fields import FIELDS, format_value
from bench.store.formats import share
from bench.store.record import State

__all__ = ["as_latex", "as_markdown"]

_COLUMNS: Final = names_of(BOARD)
_LATEX: Final = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "–": "--", "−": "$-$", "µ": r"\textmu{}", "\N{NO-BREAK SPACE}": "~", "→": r"$\to$",
}  # fmt: skip
_MARKDOWN: Final = re.compile(r"([\\`*_{}\[\]<>|#!~])")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]+")


def as_markdown(content: Content) -> str:
    """Return the summary and every board as Markdown; names are escaped."""
    lines = [f"# {_md(content.title)}", ""]
    lines += [
        f"- {_md(each.before)}**{_md(each.strong)}**{_md(each.after)}" for each in content.sentences
    ]
    for part in content.parts:
        board = part.board
        names = [FIELDS[name].heading for name in _COLUMNS]
        mixed = ["trained on"] if part.board.is_mixed else []
        lines += ["", f"## {_md(board.test_dataset)} ({_images(board)})", ""]
        lines.append("| " + " | ".join(["rank", "model", *mixed, "accuracy", *names]) + " |")
        lines.append(
            "|" + "|".join([":--", ":--", *[":--"] * len(mixed), "--:"]) + "|--:" * len(names) + "|"
        )
        for row in board.rows:
            lines.append("| " + " | ".join(_md_cells(part, row)) + " |")
        lines += ["", *(f"{_md(note)}." for note in board.notes)]
    return "\n".join(lines).rstrip() + "\n"


def _md_cells(part: BoardPart, row: Row) -> Iterator[str]:
    strong: Callable[[str], str] = (lambda t: f"**{t}**") if row.rank_low == 1 else str
    yield row.rank or "–"
    yield strong(_md(row.label))
    if part.board.is_mixed:
        yield _md(row.train_dataset)
    if row.state is not State.OK:
        yield _md(f"{row.state}: {row.reason}")
        yield from [""] * len(_COLUMNS)
        return
    yield strong(_accuracy(row, part.board))
    yield from _figures(part, row)


def _figures(part: BoardPart, row: Row) -> Iterator[str]:
    """Yield what follows the accuracy, with the board's decimals."""
    for name in _COLUMNS:
        yield format_value(name, getattr(row, name), digits=part.board.digits)


def as_latex(content: Content) -> str:
    r"""Return every board as a ``table`` of booktabs; the preamble needs ``\usepackage{booktabs}``.

    Rows that may be first are bold; ranks are ranges.
    """
    lines = [r"% \usepackage{booktabs} and, for µ, \usepackage{textcomp}"]
    lines += [f"% {_one_line(_words(each))}" for each in content.sentences]
    for part in content.parts:
        mixed = part.board.is_mixed
        names = [_tex(FIELDS[name].heading) for name in _COLUMNS]
        heads = ["rank", "model", *["trained on"] * mixed, "accuracy", r"95\,\% interval", *names]
        caption = f"{_tex(part.board.test_dataset)}: {_tex(_images(part.board))}."
        lines += [
            "",
            r"\begin{table}",
            r"  \centering",
            rf"  \caption{{{caption}}}",
            rf"  \label{{tab:{part.key}}}",
            r"  \begin{tabular}{" + "ll" + "l" * mixed + "rl" + "r" * len(names) + "}",
            r"    \toprule",
            "    " + " & ".join(heads) + r" \\",
            r"    \midrule",
            *("    " + " & ".join(_tex_cells(part, row)) + r" \\" for row in part.rows),
            r"    \bottomrule",
            r"  \end{tabular}",
            r"\end{table}",
        ]
    return "\n".join(lines) + "\n"


def _tex_cells(part: BoardPart, row: Row) -> Iterator[str]:
    is_first = row.rank_low == 1
    strong: Callable[[str], str] = (lambda t: rf"\textbf{{{t}}}") if is_first else str
    digits = part.board.digits
    yield _tex(row.rank or "–")
    yield strong(_tex(row.label))
    if part.board.is_mixed:
        yield _tex(row.train_dataset)
    yield strong("--" if row.accuracy is None else share(row.accuracy, digits))
    known = row.accuracy_low is not None and row.accuracy_high is not None
    low, high = row.accuracy_low or 0.0, row.accuracy_high or 0.0
    yield f"[{share(low, digits)}, {share(high, digits)}]" if known else ""
    yield from map(_tex, _figures(part, row))


def _words(sentence: Sentence) -> str:
    return sentence.before + sentence.strong + sentence.after


def _accuracy(row: Row, board: Board) -> str:
    if row.accuracy is None:
        return "–"
    digits = board.digits
    text = share(row.accuracy, digits)
    if row.accuracy_low is None or row.accuracy_high is None:
        return text
    return rf"{text} \[{share(row.accuracy_low, digits)}, {share(row.accuracy_high, digits)}\]"


def _images(board: Board) -> str:
    return f"{board.n_test:,} test image{'s' * (board.n_test != 1)}"


def _one_line(text: str) -> str:
    return _CONTROL.sub(" ", text)


def _md(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", _one_line(text))


def _tex(text: str) -> str:
    return "".join(_LATEX.get(each, each) for each in _one_line(text))
