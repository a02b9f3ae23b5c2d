"""A process that has imported the engine once and forks a keeper for each trial.

It is single-threaded and initialises no engine, so that its forks are safe; it is a process of its
own started by a command line, so that the harness may be a notebook, a script or a daemon. It ends
when the harness's end of the connection closes; keepers then stop their trials by themselves.
"""

import gc
import os
import signal
import socket

__all__ = ["serve"]

_MESSAGE_BYTES = 1 << 16


def serve(descriptor: int, harness: int, distributions: list[str]) -> None:
    """Import the engines, say so, then fork a keeper for every job file that comes.

    Parameters
    ----------
    descriptor : int
        Of the connection to the harness.
    harness : int
        The harness's process: importing takes seconds, in which nothing looks at the connection.
    distributions : list of str
        What the trials compute with.
    """
    from bench.execution.processes import STOP_SIGNALS, die_with_parent

    # The harness decides when it ends: a signal to everybody must not orphan the trials first.
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
    die_with_parent(harness)
    import bench.execution.reloading
    import bench.execution.worker  # noqa: F401  # what every fork would import
    from bench.execution.engine import preload
    from bench.execution.keeper import be_keeper

    control = socket.socket(fileno=descriptor)
    preload(distributions)
    # Ended keepers need no one to collect them.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    # Objects that live already are never collected: workers keep sharing their pages.
    gc.collect()
    gc.freeze()
    control.send(str(resident_bytes_of_me()).encode())
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, _MESSAGE_BYTES, 4)
        if not message:
            os._exit(0)
        try:
            is_keeper = os.fork() == 0
        except OSError:
            is_keeper = False
        if is_keeper:
            control.close()
            be_keeper(message.decode(), socket.socket(fileno=descriptors[0]))
        # A fork that failed closes the trial's connection too, which the harness understands.
        for each in descriptors:
            os.close(each)


def resident_bytes_of_me() -> int:
    """Return this process's resident size."""
    import psutil

    return int(psutil.Process().memory_info().rss)
