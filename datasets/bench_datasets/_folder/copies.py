"""The same photo in the folders of two writers: found, and said."""

from collections.abc import Sequence
from typing import Final

from bench.images.near_duplicates import near_duplicates
from bench.spec import Finding, Images

__all__ = ["copies_between_writers", "copies_note"]

CODE: Final = "copied"


def copies_between_writers(
    images: Images, names: Sequence[str], writers: Sequence[str] | None
) -> tuple[Finding, ...]:
    """Return a finding for each photo that another writer has as well, nearly the same.

    Parameters
    ----------
    images : ndarray of shape (n, height, width, channels)
        As the models see them.
    names, writers : sequences of str
        Of each image; no writers, no findings.
    """
    if writers is None or len(set(writers)) < 2:
        return ()
    first: dict[int, int] = {}
    for here, there in near_duplicates(images, images).tolist():
        if writers[here] != writers[there]:
            first.setdefault(there, here)
    return tuple(
        Finding(
            sample=names[there],
            code=CODE,
            fault=f"nearly the same picture as {names[here]}, of another writer",
            remedy="keep one of them: it counts twice, and leaks where writers are set apart",
        )
        for there, here in sorted(first.items())
    )


def copies_note(findings: Sequence[Finding]) -> tuple[str, ...]:
    """Return what to say of such findings in a run; nothing where there are none."""
    if not findings:
        return ()
    n = len(findings)
    return (f"{n} images are nearly the same as another writer's: bench data inspect names them",)
