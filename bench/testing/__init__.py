"""Contract checks of models and datasets, for built-in plugins and for yours; no pytest needed.

A check is a function of a case that raises `AssertionError` where the plugin breaks the claim in
the check's docstring: one line says what happened, the next what to do about it. It raises
`unittest.SkipTest` where the claim does not apply, and may return advice where it holds. ``bench
check NAME`` runs them all; a test suite of your own does it so::

    from bench.testing import MODEL_CHECKS, ModelCase

    case = ModelCase(spec)

    @pytest.mark.parametrize("check", MODEL_CHECKS)
    def test_contract(check):
        check(case)
"""

from bench.testing.apart import CheckLimits, run_checks_apart
from bench.testing.cases import DatasetCase, ModelCase
from bench.testing.datasets import DATASET_CHECKS
from bench.testing.models import MODEL_CHECKS
from bench.testing.running import CheckResult, CheckState, run_checks

__all__ = [
    "DATASET_CHECKS",
    "MODEL_CHECKS",
    "CheckLimits",
    "CheckResult",
    "CheckState",
    "DatasetCase",
    "ModelCase",
    "run_checks",
    "run_checks_apart",
]
