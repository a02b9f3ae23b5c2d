import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import OptionError
from bench.options import Option, OptionValue, parse_setting, resolve_options

DECLARED: dict[str, Option | OptionValue] = {
    "epochs": Option(default=10, minimum=1, maximum=100),
    "rate": Option(default=0.5, minimum=0.0),
    "augment": Option(default="none", choices=("none", "published")),
    "shuffle": True,
}


def test_defaults_come_back_in_the_declared_order() -> None:
    assert list(resolve_options("cnn", DECLARED, {}).items()) == [
        ("epochs", 10),
        ("rate", 0.5),
        ("augment", "none"),
        ("shuffle", True),
    ]


def test_text_from_a_command_line_becomes_the_options_type() -> None:
    resolved = resolve_options("cnn", DECLARED, {"epochs": "5", "rate": "1e-3", "shuffle": "off"})
    assert (resolved["epochs"], resolved["rate"], resolved["shuffle"]) == (5, 0.001, False)


def test_an_unknown_option_names_the_valid_ones_and_the_closest() -> None:
    with pytest.raises(OptionError) as error:
        resolve_options("cnn", DECLARED, {"epoch": 5})
    assert str(error.value) == (
        "unknown option 'epoch' of cnn: did you mean epochs? "
        "its options are: epochs, rate, augment, shuffle"
    )


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        pytest.param(
            "epochs", "many", "cnn.epochs=many: cnn.epochs takes a whole number", id="text-for-int"
        ),
        pytest.param(
            "epochs", 1.5, "cnn.epochs=1.5: cnn.epochs takes a whole number", id="float-for-int"
        ),
        pytest.param("epochs", 0, "cnn.epochs=0: cnn.epochs is at least 1", id="too-small"),
        pytest.param("epochs", 101, "cnn.epochs=101: cnn.epochs is at most 100", id="too-large"),
        pytest.param("rate", "nan", "cnn.rate=nan: cnn.rate is at least 0", id="nan"),
        pytest.param("rate", True, "cnn.rate=True: cnn.rate takes a number", id="bool-for-float"),
        pytest.param(
            "augment",
            "wild",
            "cnn.augment=wild: cnn.augment is one of none, published",
            id="not-a-choice",
        ),
        pytest.param(
            "shuffle", "maybe", "cnn.shuffle=maybe: cnn.shuffle takes a true/false", id="not-bool"
        ),
    ],
)
def test_a_wrong_value_is_one_clear_line(name: str, value: OptionValue, message: str) -> None:
    with pytest.raises(OptionError) as error:
        resolve_options("cnn", DECLARED, {name: value})
    assert str(error.value) == message


@given(st.integers(min_value=1, max_value=100))
def test_every_allowed_whole_number_survives_its_text(value: int) -> None:
    assert resolve_options("cnn", DECLARED, {"epochs": str(value)})["epochs"] == value


def test_a_setting_splits_at_the_last_dot_and_the_first_equals_sign() -> None:
    assert parse_setting("my.folder.label_pattern=a=b") == ("my.folder", "label_pattern", "a=b")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("epochs=5", id="no-name"),
        pytest.param("cnn.epochs", id="no-value"),
        pytest.param(".epochs=5", id="empty-name"),
    ],
)
def test_a_malformed_setting_says_its_form(text: str) -> None:
    with pytest.raises(OptionError, match=r"not of the form NAME\.option=value"):
        parse_setting(text)
