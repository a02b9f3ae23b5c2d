"""The shipped classifier as a page can run it."""

import base64
import gzip
from collections.abc import Mapping

from bench.spec import ModelSpec

__all__ = ["browser_classifier"]


def browser_classifier(models: Mapping[str, ModelSpec]) -> str:
    """Return a shipped model's layers and 8-bit weights as compressed text.

    Empty if no installed model ships such a file, ``NAME.browser`` beside its folder.
    """
    for spec in models.values():
        if spec.shipped is None:
            continue
        file = spec.shipped.with_name(f"{spec.shipped.name}.browser")
        if file.is_file():
            return base64.b64encode(gzip.compress(file.read_bytes(), mtime=0)).decode()
    return ""
