"""The contact sheet is one file without a foreign address, and every text in it is escaped."""

import re
from collections.abc import Iterator

import numpy as np
import pytest

from bench.images.audit import Measure
from bench.render.contact_sheet import Card, contact_sheet
from bench.spec import Finding

EVIL = "<script>alert(1)</script>[red]"


@pytest.fixture
def card() -> Card:
    seen = np.zeros((28, 28), dtype=np.uint8)
    photo = np.full((600, 400, 3), 200, dtype=np.uint8)
    finding = Finding(
        sample="a.jpg", code="cropped", fault="it touches the border", remedy="margin"
    )
    return Card(
        name="a.jpg",
        seen=seen,
        original=photo,
        label="7",
        person="ann",
        steps={"ink": seen},
        findings=(finding,),
    )


def test_a_card_shows_photo_model_s_view_steps_and_findings(card: Card) -> None:
    page = contact_sheet("my_ids", [card], notes=["layout: class folders"])
    assert page.count("<img") == 3
    assert page.count("data:image/png;base64,") == 2
    assert page.count("data:image/jpeg;base64,") == 1
    for text in ("a.jpg", "ann", "cropped", "it touches the border", "layout: class folders"):
        assert text in page


def test_every_text_is_escaped() -> None:
    finding = Finding(sample=EVIL, code=EVIL, fault=EVIL, remedy=EVIL)
    seen = np.zeros((8, 8), dtype=np.uint8)
    evil = Card(
        name=EVIL, seen=seen, label=EVIL, person=EVIL, steps={EVIL: seen}, findings=(finding,)
    )
    page = contact_sheet(
        EVIL,
        [evil],
        notes=[EVIL],
        folder_findings=[finding],
        audit=[Measure(name=EVIL, unit=EVIL, value=1.0, reference=2.0, verdict=EVIL)],
    )
    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 12


def test_nothing_is_loaded_from_elsewhere(card: Card) -> None:
    page = contact_sheet("my_ids", [card])
    addresses = re.findall(r"""(?:src|href)=["']([^"']+)""", page)
    assert addresses
    assert all(address.startswith("data:image/") for address in addresses)
    assert "default-src 'none'" in page


def test_cards_are_taken_one_by_one(card: Card) -> None:
    taken = []

    def cards() -> Iterator[Card]:
        for place in range(3):
            taken.append(place)
            yield card

    assert contact_sheet("my_ids", cards()).count('class="card found"') == 3
    assert taken == [0, 1, 2]
