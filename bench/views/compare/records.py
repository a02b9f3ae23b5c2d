"""Comparisons as records."""

from typing import Any

from bench.render.field_table import record_of
from bench.scoring.comparisons import ClassDifference
from bench.views.compare.pairs import Pair

__all__ = ["class_as_dict", "label_of", "pair_as_dict"]


def label_of(pair: Pair, which: str) -> str:
    """Return what A or B is (`which` is "a" or "b"), and where it was trained."""
    row = pair.a.row if which == "a" else pair.b.row
    trained = "" if row.train_dataset == row.test_dataset else f" trained on {row.train_dataset}"
    return f"{row.label}{trained}"


def pair_as_dict(pair: Pair) -> dict[str, Any]:
    """Return a pair as a record."""
    result, board, gate = pair.comparison, pair.board, pair.gate
    of_row = record_of(pair.a.row, columns=("test_dataset", "train_dataset", "n_test"))
    of_pair = record_of(pair, columns=("interval_method", "p_value_over_comparisons", "is_real"))
    of_result = record_of(
        result,
        columns=(
            *("seeds_a", "seeds_b", "accuracy_a", "accuracy_b", "difference", "p_value"),
            *("method", "only_a", "only_b", "both_right", "both_wrong", "note"),
        ),
    )
    return (
        of_row
        | of_pair
        | of_result
        | {
            "a": label_of(pair, "a"),
            "b": label_of(pair, "b"),
            "difference_low": result.interval.low,
            "difference_high": result.interval.high,
            "decided_by": "pair" if board is None else "board",
            "decided_why": pair.alone,
            "board_rows": None if board is None else board.n_rows,
            "p_value_on_board": None if board is None else board.p_value,
            "is_real_alone": result.is_real(),
            "gate_passed": None if gate is None else gate.is_passed,
            "gate_reason": "" if gate is None else gate.reason,
        }
    )


def class_as_dict(each: ClassDifference) -> dict[str, Any]:
    """Return the difference on one class as a record."""
    compared = each.comparison
    return (
        {"class": each.name}
        | record_of(each, columns=("n_test",))
        | {
            "difference": compared.difference if compared else None,
            "difference_low": compared.interval.low if compared else None,
            "difference_high": compared.interval.high if compared else None,
            "p_value": compared.p_value if compared else None,
            "p_value_over_classes": each.adjusted if compared else None,
        }
    )
