"""Contract checks of models and datasets, for built-in plugins and for yours.

A check is a function of a case that raises `AssertionError` where the plugin breaks the claim in
the check's docstring: one line says what happened, the next what to do about it. It raises
`unittest.SkipTest` where the claim does not apply, `CouldNotRunError` where another fault keeps it
from running, and may return advice where it holds. ``bench check NAME`` runs them all. With pytest,
a test suite of your own is one line::

    from bench.testing import model_suite

    test_contract = model_suite("mine", plugin="mine.py")
"""

from bench.testing.apart import CheckLimits, run_checks_apart
from bench.testing.cases import DatasetCase
from bench.testing.datasets import DATASET_CHECKS
from bench.testing.model_case import ModelCase
from bench.testing.models import MODEL_CHECKS
from bench.testing.running import CheckResult, CheckState, CouldNotRunError, run_checks
from bench.testing.suites import dataset_suite, model_suite

__all__ = [
    "DATASET_CHECKS",
    "MODEL_CHECKS",
    "CheckLimits",
    "CheckResult",
    "CheckState",
    "CouldNotRunError",
    "DatasetCase",
    "ModelCase",
    "dataset_suite",
    "model_suite",
    "run_checks",
    "run_checks_apart",
]
