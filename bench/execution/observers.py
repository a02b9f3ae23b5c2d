"""Plugins that observe a run: each is told on its own, and none of them can hurt it."""

from collections.abc import Callable, Iterable
from types import ModuleType

from bench.execution.events import EpochEnded, Event, TrialFinished, TrialStarted, Warned
from bench.plugins.guarding import guarded

__all__ = ["observed"]

_HOOKS: dict[type, str] = {
    TrialStarted: "bench_trial_started",
    EpochEnded: "bench_epoch_ended",
    TrialFinished: "bench_trial_finished",
}


def observed(
    emit: Callable[[Event], None], modules: Iterable[ModuleType]
) -> Callable[[Event], None]:
    """Return `emit`, followed by the observer hooks of plugins.

    A hook that raises is reported once for each plugin, through `emit`, and is called again.

    Parameters
    ----------
    modules : iterable of module
        Loaded plugins, in the order in which they are told; those without a hook are passed over.
    """
    hooks = {
        kind: [
            (module.__name__, guarded(getattr(module, name)))
            for module in modules
            if hasattr(getattr(module, name, None), "bench_impl")
        ]
        for kind, name in _HOOKS.items()
    }
    reported: set[str] = set()

    def tell(event: Event) -> None:
        emit(event)
        for plugin, hook in hooks.get(type(event), ()):
            try:
                hook(event=event)
            except KeyboardInterrupt:
                raise
            # A plugin may raise anything; a trial is worth more than its observers.
            except BaseException as error:  # noqa: BLE001
                if plugin not in reported:
                    reported.add(plugin)
                    words = " ".join(f"{type(error).__name__}: {error}".split())
                    emit(Warned(message=f"plugin {plugin}, {hook.__name__}: {words}"))

    return tell
