"""The command line: one parser, one error handler, verbs loaded when they are used.

`VERB_LINES` is the table of verbs: name, and the line that ``bench --help`` shows. The module of
verb ``x`` is ``bench.cli.x`` and holds ``app``, a `typer.Typer`: with one command for a plain verb,
with several (or a callback) for a verb that has verbs of its own. A verb without a module is not
listed. ``--debug`` is taken here, wherever it stands, so no verb declares it; "For example:" begins
a paragraph of a help text whose lines are kept. A verb ends with ``raise typer.Exit(code)`` or
returns None for 0; it raises `bench.errors.BenchError` for a mistake of the user's and lets every
other exception pass.
"""

import errno
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from bench.cli.quick import spare_pydantic
from bench.cli.streams import keep_output, open_closed_streams
from bench.errors import BenchError, did_you_mean
from bench.render.hints import as_help, as_typed, prog
from bench.render.plainer import spare_the_terminal

__all__ = ["VERB_LINES", "build_parser", "main", "prog"]

VERB_LINES: Final = {
    "run": "Train and evaluate what is missing, then show the leaderboard.",
    "show": "Read the store: leaderboards, reports, matrices, single trials.",
    "compare": "Say whether the difference between A and B is real.",
    "predict": "Read digits and IDs from photos, folders of photos, or a table of pixels.",
    "reproduce": "Check the published figures and claims, with verdicts.",
    "report": "Write the results as one HTML file, Markdown, LaTeX or figures.",
    "publish": "Write a static site of a store's boards, for any web host.",
    "data": "Inspect, fetch and convert data; look after the data cache.",
    "results": "Verify stores, clean them, and bring them together.",
    "new": "Write a model or dataset plugin to start from.",
    "check": "Test a model or dataset plugin against its contract.",
    "tune": "Search for better options of a model.",
    "list": "List models, datasets, plugins and metrics.",
    "doctor": "Say what this machine has, and what is wrong with it.",
}

# Typer brought its own copy of click in 2026; the class is the same in both.
_USAGE_ERROR: Final[type[Exception]] = typer.BadParameter.__mro__[1]
_CLICK_ERROR: Final[type[Exception]] = typer.BadParameter.__mro__[2]
_OUTPUT_ERRORS: Final = {errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EFBIG}
_NO_PATH: Final = {errno.ENAMETOOLONG, errno.ELOOP}  # a person or a file named it
_PATH_SHOWN: Final = 80
_BROKEN_PIPE_CODE: Final = 141  # what a shell reports for a process that SIGPIPE ended


class _Verbs(TyperGroup):
    """The verbs: known by name and line for help, loaded only to be called."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the name, the loaded command and the arguments left for it."""
        name, stub, rest = super().resolve_command(ctx, args)
        return name, None if stub is None else _load_verb(str(name)), rest


def _load_verb(name: str) -> Any:
    command: Any = get_command(import_module(f"bench.cli.{name}").app)
    command.name = name
    # Completion is installed by the program, not by each verb.
    command.params = [each for each in command.params if "completion" not in (each.name or "")]
    # Commands that a group makes when they are asked for have their help already.
    for each in (command, *vars(command).get("commands", {}).values()):
        each.help = as_help(each.help or "")
    return command


def build_parser() -> Any:
    """Return the root command, with every verb that has a module."""
    spare_pydantic()
    app = typer.Typer(
        cls=_Verbs,
        no_args_is_help=True,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(epilog=f"Start with: {prog()} run --all")(_root)
    group = get_command(app)
    for name, line in VERB_LINES.items():
        if find_spec(f"bench.cli.{name}") is not None:
            group.add_command(TyperCommand(name, help=line, callback=None))  # type: ignore[attr-defined]  # a group, by its callback
    return group


def _show_version(value: bool) -> None:
    if value:
        from bench import __version__

        print(f"digitbench {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error; works with every verb.")
    ] = False,
) -> None:
    """Train every digit recogniser on every digit dataset; see which differences are real."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit with its code (see the command map in the documentation)."""
    # Not list(…): once the verb `list` is imported, that name here is its module.
    given = [*(sys.argv[1:] if arguments is None else arguments)]
    options = given[: given.index("--")] if "--" in given else given
    debug = "--debug" in options
    if debug:
        given.remove("--debug")
    open_closed_streams()
    if arguments is None:  # it is the process's own
        keep_output()
    spare_the_terminal(sys.stdout, sys.stderr)
    try:
        code = _call(given)
    except BrokenPipeError:
        code = _BROKEN_PIPE_CODE
    except KeyboardInterrupt:
        code = _fail("interrupted", 130)
    except _USAGE_ERROR as error:
        code = _explain_usage(error)
    except (BenchError, _CLICK_ERROR, typer.Abort) as error:
        if debug:
            raise
        code = _fail(str(error) or "stopped", 2)
    except OSError as error:
        code = _unwritable(error)
    except RuntimeError as error:
        if debug or "home directory" not in str(error):  # what pathlib says of a ~ without one
            raise
        code = _fail("a path begins with ~, and that user has no home here: give the whole path", 2)
    sys.exit(_flush(code))


def _call(arguments: list[str]) -> int:
    name = prog()
    base = name.rpartition("/")[2].split()[-1]
    variable = f"_{base.upper()}_COMPLETE"
    is_completion = variable in os.environ or any("-completion" in text for text in arguments)
    try:
        result = build_parser().main(
            args=arguments,
            prog_name=base if is_completion else name,
            complete_var=variable,
            standalone_mode=False,
        )
    except SystemExit as error:
        # Typer and rich turn a reader that went away into the code of a failure.
        if isinstance(error.__context__, BrokenPipeError):
            raise error.__context__ from None
        raise
    return result if isinstance(result, int) else 0


def _fail(line: str, code: int) -> int:
    print(f"bench: {as_typed(_one_line(line))}", file=sys.stderr)
    return code


def _one_line(text: str) -> str:
    """Join lines and drop control characters: a message may quote a file's content."""
    joined = " ".join(text.split()).replace("?; ", "? ")
    return "".join(character for character in joined if character.isprintable())


def _explain_usage(error: Any) -> int:
    """Print a mistyped command line as one line, with the close names and where to read more."""
    if type(error).__name__ == "NoArgsIsHelpError":
        print(error.format_message())
        return 0
    path = error.ctx.command_path if error.ctx else prog()
    message = str(error.format_message()).rstrip(".")
    wrong = getattr(error, "option_name", "")
    if type(error).__name__ == "NoSuchOption" and error.ctx:
        known = [name for each in error.ctx.command.params for name in each.opts]
        message = _did_you_mean(f"no such option {wrong}", wrong, known)
    elif message.startswith("No such command"):
        typed = message.split("'")[1]
        listed = error.ctx.command.list_commands(error.ctx)
        message = _did_you_mean(f"no such command '{typed}'", typed, listed)
    else:
        message = (message[:1].lower() + message[1:]).replace("Value error, ", "")
    return _fail(f"{message}; see {path} --help", 2)


def _did_you_mean(what: str, wrong: str, known: list[str]) -> str:
    hint = did_you_mean(wrong, known)
    return f"{what}: {hint}" if hint else what


def _flush(code: int) -> int:
    """Write out what is buffered; a reader that went away (``| head``) is no error."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _let_go()
        return _BROKEN_PIPE_CODE
    except OSError as error:
        return _unwritable(error)
    return code


def _unwritable(error: OSError) -> int:
    """Say why the output cannot be written, or which path is none; others are a bug's."""
    if error.errno == errno.ENOENT and error.filename is None and not _is_somewhere():
        return _fail("the current folder was deleted: change to one that is there", 2)
    if error.errno in _NO_PATH:
        return _fail(f"{str(error.filename)[-_PATH_SHOWN:]}: {os.strerror(error.errno)}", 2)
    if error.errno not in _OUTPUT_ERRORS or error.filename is not None:
        raise error
    _let_go()
    with suppress(OSError):  # standard error may be as full
        return _fail(f"cannot write the output: {os.strerror(error.errno)}", 2)
    return 2


def _is_somewhere() -> bool:
    try:
        Path.cwd()
    except OSError:
        return False
    return True


def _let_go() -> None:
    """Let what is still buffered go nowhere: Python writes it out once more at exit."""
    with suppress(OSError):  # a stream without a file
        number = sys.stdout.fileno()
        os.dup2(os.open(os.devnull, os.O_WRONLY), number)
