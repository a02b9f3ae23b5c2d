"""Aligned tables: what is dropped, what wraps, what a line may take the place of."""

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text

from bench.render.table import Column, Line, choose, lay_out

NAME = Column(name="name", heading="name", align="left", wraps_at=12)
SCORE = Column(name="score", heading="score")
EXTRA = Column(name="extra", heading="extra", keep=1)
LAST = Column(name="last", heading="last", keep=2)


def line(**cells: str) -> Line:
    """Return a line of plain texts."""
    return Line(cells={name: Text(text) for name, text in cells.items()})


def plain(texts: list[Text]) -> list[str]:
    """Return what the texts say."""
    return [text.plain for text in texts]


def test_columns_align_left_and_right() -> None:
    lines = [line(name="a", score="1.5"), line(name="longer", score="10")]
    assert plain(lay_out([NAME, SCORE], lines, 80)) == [
        "name    score",
        "a         1.5",
        "longer     10",
    ]


def test_the_least_important_column_goes_first() -> None:
    lines = [line(name="a", score="1", extra="2", last="3")]
    columns = [NAME, SCORE, EXTRA, LAST]
    assert [column.name for column in choose(columns, lines, 20)] == ["name", "score", "extra"]
    assert [column.name for column in choose(columns, lines, 5)] == ["name", "score"]


def test_a_column_without_content_is_left_out() -> None:
    columns = choose([NAME, SCORE, EXTRA], [line(name="a", score="1", extra="")], 80)
    assert [column.name for column in columns] == ["name", "score"]


def test_a_tail_takes_the_place_of_the_last_columns_and_wraps() -> None:
    failed = Line(
        cells={"name": Text("b")}, tail=Text("failed: a long reason indeed"), tail_at="score"
    )
    lines = [line(name="a", score="1", extra="2"), failed]
    assert plain(lay_out([NAME, SCORE, EXTRA], lines, 26)) == [
        "name  score  extra",
        "a         1      2",
        "b     failed: a long",
        "       reason indeed",
    ]


def test_a_long_name_wraps_at_blanks() -> None:
    lines = [line(name="model (epochs=3, dropout=.2)", score=".989")]
    assert plain(lay_out([NAME, SCORE], lines, 22)) == [
        "name             score",
        "model             .989",
        " (epochs=3,",
        " dropout=.2)",
    ]


def test_a_name_longer_than_a_line_is_broken_after_hyphens() -> None:
    lines = [line(name="cnn-mnist-wide-augmented (smoke)", score=".989")]
    assert plain(lay_out([NAME, SCORE], lines, 31)) == [
        "name                      score",
        "cnn-mnist-wide-augmented   .989",
        " (smoke)",
    ]
    assert plain(lay_out([NAME, SCORE], lines, 24))[1:] == [
        "cnn-mnist-wide-     .989",
        " augmented",
        " (smoke)",
    ]


def test_wide_characters_count_twice() -> None:
    texts = lay_out([NAME, SCORE], [line(name="数字", score="1"), line(name="abcd", score="2")], 80)
    assert cell_len(texts[1].plain) == cell_len(texts[2].plain)


@given(
    st.lists(st.tuples(st.text(max_size=40), st.text("0123456789.", max_size=6)), max_size=6),
    st.integers(30, 200),
    st.integers(0, 3),
)
def test_no_line_is_wider_than_the_screen(
    rows: list[tuple[str, str]], width: int, indent: int
) -> None:
    lines = [line(name=name.replace("\n", " "), score=score) for name, score in rows]
    for text in lay_out([NAME, SCORE, EXTRA], lines, width, indent):
        assert text.cell_len <= width
