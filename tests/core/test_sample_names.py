"""What the name of a sample says: its file, its line, its ID."""

from bench.images.sample_names import file_of, ids_of, line_of, names_of_parts


def test_a_digit_of_a_photo_of_several_is_named_by_its_place() -> None:
    assert names_of_parts("a.jpg", [2]) == ["a.jpg#1", "a.jpg#2"]
    several = names_of_parts("a#1.jpg", [2, 1])
    assert several == ["a#1.jpg#1.1", "a#1.jpg#1.2", "a#1.jpg#2.1"]
    assert {file_of(name) for name in several} == {"a#1.jpg"}
    assert [line_of(name) for name in several] == [1, 1, 2]
    assert (file_of("a#1.jpg"), line_of("a#1.jpg")) == ("a#1.jpg", 1)


def test_an_id_is_a_photo_of_it_or_all_of_a_writer() -> None:
    names = ("a.jpg#1", "a.jpg#2", "b.jpg")
    assert ids_of(names, None) == ("a.jpg", "a.jpg", "")
    assert ids_of(names, ("ann", "ann", "bob")) == ("a.jpg", "a.jpg", "bob")
    assert ids_of(("b.jpg", "c.jpg"), None) is None
    assert ids_of((), ("ann",)) == ("ann",)
