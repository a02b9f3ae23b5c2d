"""Plain values come out as typer itself would convert them, without pydantic."""

import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import typer
from typer.main import get_command

from bench.cli.quick import spare_pydantic


def converted(*arguments: str) -> dict[str, Any]:
    """Return what a command with a parameter of each kind is called with."""
    got: dict[str, Any] = {}
    app = typer.Typer(add_completion=False)

    @app.command()
    def command(
        name: Annotated[str, typer.Argument()] = "",
        several: Annotated[list[str] | None, typer.Option()] = None,
        folder: Annotated[Path | None, typer.Option()] = None,
        times: Annotated[int, typer.Option(min=1, max=9)] = 1,
        below: Annotated[float, typer.Option(min=0, max=1)] = 0.0,
        kind: Annotated[Literal["a", "b"], typer.Option()] = "a",
        flag: Annotated[bool, typer.Option("--flag")] = False,
    ) -> None:
        got.update(
            name=name,
            several=several,
            folder=folder,
            times=times,
            below=below,
            kind=kind,
            flag=flag,
        )

    get_command(app).main(args=list(arguments), standalone_mode=False)
    return got


CASES = [
    pytest.param((), id="defaults"),
    pytest.param(("x y", "--folder", "~/a b", "--kind", "b"), id="texts"),
    pytest.param(("--several", "1", "--several", "2", "--flag"), id="several"),
    pytest.param(("--times", "3", "--below", "0.5"), id="numbers"),
]


@pytest.mark.parametrize("arguments", CASES)
def test_a_plain_value_is_what_typer_makes_of_it(
    arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    from typer import core

    kind: Any = core._TyperParameter
    own = getattr(kind, "typers_own_converter", kind.get_runtime_param)
    with monkeypatch.context() as patch:
        patch.setattr(kind, "get_runtime_param", own)
        wanted = converted(*arguments)
    spare_pydantic()
    assert converted(*arguments) == wanted


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("--times", "10"), id="too-many"),
        pytest.param(("--times", "x"), id="no-number"),
        pytest.param(("--kind", "c"), id="no-choice"),
        pytest.param(("--below", "2"), id="too-high"),
    ],
)
def test_a_wrong_value_is_refused_as_before(arguments: tuple[str, ...]) -> None:
    spare_pydantic()
    with pytest.raises(typer.BadParameter):
        converted(*arguments)


def test_showing_a_store_needs_no_pydantic(sample_store: Path) -> None:
    code = f"""
import sys
from bench.cli import main
try:
    main(["show", "--csv", "--store", {str(sample_store)!r}])
except SystemExit:
    pass
print("pydantic" in sys.modules, "scipy" in sys.modules, file=sys.stderr)
"""
    run = [sys.executable, "-c", code]
    subprocess.run(run, capture_output=True, check=True)  # the first view makes the index
    second = subprocess.run(run, capture_output=True, text=True, check=True)
    assert second.stderr == "False False\n"
