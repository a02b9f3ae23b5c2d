"""The engine behind the command line and Python: select, plan, run, read."""

from bench.planning.request import Request
from bench.session.executed import RunResult, execute
from bench.session.planned import open_session, plan
from bench.session.python import load_results, run

__all__ = [
    "Request",
    "RunResult",
    "execute",
    "load_results",
    "open_session",
    "plan",
    "run",
]
