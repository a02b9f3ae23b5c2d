"""Which scans of ``digits-uci`` became the pictures of ``sample-ids``; no split holds them.

Each made-up person has scans from one stretch of the file, that is of one or two writers: the more
legible of each digit there.
"""

from typing import Final

__all__ = ["SAMPLE_PERSONS", "SAMPLE_ROWS"]

SAMPLE_PERSONS: Final = {
    "person-a": ("05126707", (229, 281, 326, 310, 272, 273, 276, 222)),
    "person-b": ("31849260", (709, 702, 654, 733, 635, 631, 620, 642)),
    "person-c": ("73905814", (1046, 1074, 1166, 1106, 1075, 1069, 1040, 1161)),
    "person-d": ("24681953", (1466, 1539, 1482, 1511, 1546, 1507, 1535, 1478)),
}

SAMPLE_ROWS: Final = tuple(sorted(row for _, rows in SAMPLE_PERSONS.values() for row in rows))
