"""The parser: verbs, help, mistakes, exit codes, and what starting costs."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.main import get_command

import bench.cli as cli
from bench.cli import VERB_LINES, build_parser
from bench.errors import BenchError
from bench.render.hints import VERBS, as_typed

Run = Callable[..., Any]
BUILT = [name for name in VERB_LINES if find_spec(f"bench.cli.{name}")]
ENGINES = ("tensorflow", "keras", "sklearn", "pandas", "scipy", "pydantic", "matplotlib", "h5py")


def loaded_verb(name: str) -> Any:
    """Return the command of a verb as the parser loads it."""
    parser = build_parser()
    context = parser.make_context("bench", [name, "--help"], resilient_parsing=True)
    return parser.resolve_command(context, [name])[1]


def commands_of(name: str) -> list[Any]:
    """Return a verb's command and those below it."""
    command = loaded_verb(name)
    return [command, *getattr(command, "commands", {}).values()]


def test_help_lists_each_verb_that_is_built_and_no_other(run_bench: Run) -> None:
    out = run_bench("--help").out
    listed = [line.split()[0] for line in out.partition("Commands:\n")[2].splitlines() if line]
    assert listed[: len(BUILT)] == BUILT


def test_the_words_replaced_in_hints_are_the_verbs() -> None:
    assert set(VERBS) == set(VERB_LINES)


@pytest.mark.parametrize("name", [pytest.param(name, id=name) for name in BUILT])
def test_each_verb_says_in_the_list_what_its_own_help_says(name: str) -> None:
    first = loaded_verb(name).help.split("\n\n")[0].replace("\n", " ")
    assert first.startswith(VERB_LINES[name].rstrip("."))


@pytest.mark.parametrize("name", [pytest.param(name, id=name) for name in BUILT])
def test_each_verb_has_an_example_in_its_help(run_bench: Run, name: str) -> None:
    out = run_bench(name, "--help").out
    assert f"\n    bench {name}" in out


@pytest.mark.parametrize("name", [pytest.param(name, id=name) for name in BUILT])
def test_each_option_is_explained(name: str) -> None:
    for command in commands_of(name):
        unexplained = [each.name for each in command.params if not getattr(each, "help", "")]
        assert unexplained == [], command.name


@pytest.mark.parametrize("name", [pytest.param(name, id=name) for name in BUILT])
def test_help_shows_the_program_as_it_was_typed(run_bench: Run, name: str) -> None:
    out = run_bench(name, "--help", prog="script/bench").out
    assert f"Usage: script/bench {name}" in out
    assert f"\n    script/bench {name}" in out


def test_no_argument_shows_the_help(run_bench: Run) -> None:
    ended = run_bench()
    assert (ended.code, ended.out) == (0, run_bench("--help").out)


def test_the_version_is_the_packages(run_bench: Run) -> None:
    from bench import __version__

    assert run_bench("--version") == (0, f"digitbench {__version__}\n", "")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        pytest.param(
            ("rnu",), "no such command 'rnu': did you mean run? see bench --help", id="verb"
        ),
        pytest.param(
            ("run", "--al"),
            "no such option --al: did you mean --all or --table or --tls? see bench run --help",
            id="option",
        ),
        pytest.param(
            ("show", "leaderbord"),
            "no such command 'leaderbord': did you mean leaderboard? see bench show --help",
            id="view",
        ),
        pytest.param(
            ("show", "report"), "missing argument 'MODEL'; see bench show report --help", id="none"
        ),
        pytest.param(
            ("list", "modles"),
            "invalid value for 'kind': 'modles' is not one of 'models', 'datasets', 'plugins', "
            "'metrics'; see bench list --help",
            id="choice",
        ),
        pytest.param(("qqq",), "no such command 'qqq'; see bench --help", id="nothing-close"),
    ],
)
def test_a_mistyped_command_line_is_one_line_with_the_close_names(
    run_bench: Run, arguments: tuple[str, ...], line: str
) -> None:
    assert run_bench(*arguments) == (2, "", f"bench: {line}\n")


def failing_app(error: BaseException) -> typer.Typer:
    """Return a verb that raises."""
    app = typer.Typer()

    @app.command()
    def fail() -> None:
        """Fail."""
        raise error

    return app


def use_verb(monkeypatch: pytest.MonkeyPatch, app: typer.Typer) -> None:
    """Let `app` be what `bench doctor` calls."""
    monkeypatch.setattr(cli, "_load_verb", lambda name: get_command(app))


def test_an_expected_failure_is_one_line_and_code_2(
    run_bench: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = BenchError("it", why="of two\nlines\x1b[2J", fix="see bench list models")
    use_verb(monkeypatch, failing_app(error))
    assert run_bench("doctor", prog="digitbench") == (
        2,
        "",
        "bench: it: of two lines[2J; see digitbench list models\n",
    )


def test_debug_shows_the_traceback_of_an_expected_failure(
    run_bench: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_verb(monkeypatch, failing_app(BenchError("it")))
    with pytest.raises(BenchError, match="it"):
        run_bench("doctor", "--debug")


def test_a_bug_keeps_its_traceback(run_bench: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    use_verb(monkeypatch, failing_app(ZeroDivisionError("a bug")))
    with pytest.raises(ZeroDivisionError, match="a bug"):
        run_bench("doctor")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        pytest.param(KeyboardInterrupt(), 130, id="ctrl-c"),
        pytest.param(BrokenPipeError(), 141, id="reader-gone"),
        pytest.param(typer.Exit(3), 3, id="a-code"),
    ],
)
def test_how_a_verb_ends_is_the_exit_code(
    run_bench: Run, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int
) -> None:
    use_verb(monkeypatch, failing_app(error))
    assert run_bench("doctor").code == code


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        pytest.param("see bench list models", "see script/bench list models", id="a-hint"),
        pytest.param("the bench is green", "the bench is green", id="a-word"),
        pytest.param("script/bench run", "script/bench run", id="a-path"),
    ],
)
def test_hints_name_the_program_as_typed(
    monkeypatch: pytest.MonkeyPatch, text: str, typed: str
) -> None:
    monkeypatch.setenv("BENCH_PROG", "script/bench")
    assert as_typed(text) == typed


def fresh(*arguments: str, code: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command in an interpreter of its own and report the modules it loaded."""
    asked = f"""
import sys
from bench.cli import main
try:
    main({list(arguments)!r})
except SystemExit as ended:
    code = ended.code
print("loaded:", *(name for name in {ENGINES!r} if name in sys.modules))
sys.exit(code)
"""
    return subprocess.run(
        [sys.executable, "-c", code or asked], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("--help",), id="help"),
        pytest.param(("run", "--help"), id="run-help"),
        pytest.param(("list",), id="list"),
        pytest.param(("list", "datasets", "mnist"), id="list-dataset"),
        pytest.param(("list", "plugins", "--json"), id="list-plugins"),
    ],
)
def test_help_and_list_import_no_engine(arguments: tuple[str, ...]) -> None:
    done = fresh(*arguments)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "loaded:"


@pytest.mark.skipif(sys.platform == "win32", reason="SIGPIPE and sh are not Windows's")
def test_a_reader_that_goes_away_is_no_error() -> None:
    done = subprocess.run(
        f"{sys.executable} -m bench list --json | head -c 20",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "SIGPIPE": str(signal.SIGPIPE)},
    )
    assert done.stderr == ""
    assert len(done.stdout) == 20


@pytest.mark.skipif(sys.platform == "win32", reason="SIGPIPE and sh are not Windows's")
@pytest.mark.parametrize(
    "arguments", [pytest.param("list", id="text"), pytest.param("list --json", id="json")]
)
def test_a_reader_that_goes_away_ends_the_command_as_a_signal_would(arguments: str) -> None:
    command = f"({sys.executable} -m bench {arguments}; echo $? >&2) | true"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert done.stderr == "141\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize(
    "arguments", [pytest.param("list", id="text"), pytest.param("list --json", id="json")]
)
def test_a_full_disk_is_one_line(arguments: str) -> None:
    command = f"{sys.executable} -m bench {arguments} > /dev/full"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert done.stderr == "bench: cannot write the output: No space left on device\n"
    assert done.returncode == 2


def test_names_complete_in_the_shell() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench"],
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            "BENCH_PROG": "bench",
            "_BENCH_COMPLETE": "complete_bash",
            "COMP_WORDS": "bench run -m cnn-svhn",
            "COMP_CWORD": "3",
        },
    )
    assert done.stdout.split() == ["cnn-svhn-deep", "cnn-svhn-shallow"]


def test_the_completion_script_can_be_shown(run_bench: Run, tmp_path: Path) -> None:
    # The shell is found among the parents, and bash would replace itself by a single command.
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m bench --show-completion; true"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "BENCH_PROG": "script/bench"},
    )
    assert "_BENCH_COMPLETE=complete_bash" in done.stdout
