"""Own-digit sets have the labels and decoded pixels that they had before layouts were proven."""

import json
from hashlib import sha256
from pathlib import Path

import pytest

from bench.options import resolve_options
from bench_datasets.image_folder import OPTIONS, load_folder

# Of names, labels and pixels as decoded, without preprocessing, at commit f045b67.
KNOWN = {
    "drawn-by-class": (200, "680aa9ce38557b8e1b84bf08"),
    "drawn-named": (21, "397d41bd0353c31f474e0fd4"),
    "drawn-table": (1000, "5bc79062a3326e87283017c9"),
    "photo-crops": (150, "a03af872f7fbb5b6aa127bf6"),
    "photos-by-class": (117, "099d3ec329fe4b7237eb1ddf"),
    "photos-many-writers": (483, "98410eac5aedcf0d353e5c5d"),
    "photos-squared": (110, "d505feab719ee93b1e990690"),
    "strips": (48, "66da153e84ebe7113a68d02e"),
    "student-ids": (24, "be1d324bb7af6caf35c2efa0"),
}


@pytest.mark.realdata
@pytest.mark.parametrize("name", KNOWN)
def test_labels_and_decoded_pixels_are_as_they_were(real_data: Path, name: str) -> None:
    options = resolve_options("own", OPTIONS, {"preprocess": "none"})
    dataset = load_folder(real_data / "own_digits" / name, options)
    test = dataset.test
    assert test is not None
    assert test.labels is not None
    rows = sorted(
        (sample, dataset.classes[label], sha256(pixels.tobytes()).hexdigest()[:12])
        for sample, label, pixels in zip(test.names, test.labels, test.pixels, strict=True)
    )
    digest = sha256(json.dumps(rows).encode()).hexdigest()[:24]
    assert (len(rows), digest) == KNOWN[name]
