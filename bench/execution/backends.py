"""From a request to the back end that carries it out, and what it tells before a plan is made."""

from collections.abc import Iterable, Sequence

from bench.execution.backend import Backend
from bench.planning.request import Request
from bench.planning.task import TrialTask
from bench.spec import ModelSpec

__all__ = ["backend_of", "is_fast_in_bfloat16"]


def backend_of(tasks: Sequence[TrialTask], request: Request) -> Backend:
    """Return what runs these tasks."""
    if request.backend == "local":
        from bench.execution.local import local_backend

        return local_backend(tasks, jobs=request.jobs, isolate=request.isolate)
    from bench.execution.dask_backend import DaskBackend
    from bench.execution.dask_cluster import Cluster
    from bench.execution.scheduling import choose_jobs

    cluster = Cluster(
        address=request.scheduler,
        workers=choose_jobs(request.jobs, tasks),
        allow_versions=request.allow_versions,
        worker_walltime_seconds=request.worker_walltime_seconds,
        tls=request.tls,
    )
    return DaskBackend(cluster=cluster)


def is_fast_in_bfloat16(request: Request, models: Iterable[ModelSpec]) -> bool | None:
    """Return whether every worker there is multiplies bfloat16 fast; None: this machine computes.

    Asked only where ``auto`` may come to it; without a worker the answer is no.

    Raises
    ------
    BenchError
        If the scheduler cannot be reached.
    """
    if not request.scheduler or request.precision != "auto":
        return None
    if not any(spec.bfloat16_holds for spec in models):
        return None
    from bench.execution.dask_cluster import Cluster, facts_of_workers

    found = facts_of_workers(Cluster(address=request.scheduler, tls=request.tls))
    return bool(found) and all(facts["is_fast_in_bfloat16"] for facts in found)
