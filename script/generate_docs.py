"""Write docs/reference/ from the code: verbs, hooks, options, record fields.

Run it as ``.venv/bin/python script/generate_docs.py``; a test fails while a page is stale.
"""

import ast
import inspect
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields as dataclass_fields
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin

import msgspec

import bench
from bench import hookspecs
from bench.cli import VERB_LINES, build_parser
from bench.execution import events
from bench.options import Option, OptionValue, as_options
from bench.plugins.discovery import load_plugins
from bench.render.field_table import fields_table
from bench.spec import API_VERSION, REPORTER_API, DatasetSpec, Epoch, ModelSpec
from bench.store.fields import FIELDS, LEADERBOARD_FIELDS, REPORT_FIELDS
from bench.store.record import SCHEMA_VERSION, EvaluationRecord, Identity, Machine, TrialRecord
from bench_datasets._folder.examples import example_lines

REFERENCE: Final = Path(__file__).parents[1] / "docs" / "reference"
EVERY_HOOK: Final = Path(__file__).parents[1] / "docs" / "examples" / "every_hook.py"
NOTE: Final = "<!-- Made by script/generate_docs.py; a test fails while it is stale. -->"
PARTS_OF_AN_IDENTITY: Final = {
    "model": "name of the model",
    "options": "every option of the model, resolved",
    "model_source": "hash of the definitions in the plugin's own files",
    "harness_source": "hash of the definitions in the harness's computing files",
    "train_hash": "content hash of the training split",
    "seed": "the only source of randomness",
    "precision": "float32 or bfloat16, resolved",
    "requires": "major.minor version of each distribution that computes the result",
}
FACTS_OF_A_MACHINE: Final = {
    "cores": "processor cores the run could use",
    "memory_bytes": "memory of the machine",
    "processor": "its name",
    "instruction_set": "the best that the engines use, by oneDNN's name: AVX2, AVX512_CORE_BF16, …",
    "accelerator": "a GPU's name; empty for none",
    "system": "operating system",
    "python": "version of Python",
}
# Fields of a request that only repeat an option of `bench run`.
AS_OPTION: Final = {
    "seeds": "`--seeds`",
    "budget": "`--budget`",
    "precision": "`--precision`",
    "cross": "`--cross`",
    "fresh": "`--fresh`",
    "track_test": "`--track-test`",
    "quantize": "`--quantize`",
    "store": "`--store`",
    "data_dir": "`--data-dir`",
    "cache_dir": "`--cache-dir`",
    "plugins": "`--plugin`: modules, and files that end in `.py`",
    "jobs": "`-j`: a number, or `auto`",
    "timeout_seconds": "`--timeout`",
    "memory_bytes": "`--max-memory`",
    "retries": "`--retries`",
    "isolate": "each trial in a process of its own",
}
PREDICTIONS: Final = {
    "labels": "(n,), whole numbers: the true class, as a column; absent for unlabelled images",
    "predicted": "(n,), whole numbers: the class the model named, as a column",
    "probabilities": "(n, n_classes), float32: a column a class, in the order of `classes`",
    "duplicates": "(n,), int8: 2 where the image is a training image, 1 where it is nearly one; "
    "absent where none is",
}
SPLIT: Final = {
    "names": "(n,), text: the name of each test image",
    "groups": "(n,), text: who wrote it; absent where that is unknown",
}


def pages() -> dict[str, str]:
    """Return every generated page: file name and content."""
    writers: dict[str, Callable[[], Iterator[str]]] = {
        "cli.md": verbs_page,
        "hooks.md": hooks_page,
        "options.md": options_page,
        "python.md": python_page,
        "records.md": records_page,
    }
    writers["../how-to/what-your-files-may-look-like.md"] = files_page
    return {name: "\n".join(write()) + "\n" for name, write in writers.items()}


def files_page() -> Iterator[str]:
    """Yield the page of what files may look like, from the examples beside the readers."""
    yield from ("# What your files may look like", "", NOTE, "")
    yield "Name any file, folder or zip: `bench data inspect FILE` says what it takes for what,"
    yield "`bench run -d FILE` trains on it, and `bench predict FILE` reads images without labels."
    yield "What a file is, is told by what it holds, never by its name. Where two readings fit, one"
    yield "question is asked, with the option that answers it, such as `--set NAME.labels=last`. A"
    yield "folder or zip holds one dataset: files named train and test are its splits; of a table"
    yield "alone a fifth is kept for testing. Each example below is written and read when this page"
    yield "is made; what the program says of it stands under it."
    yield ""
    for module, example in file_examples():
        yield from (f"## {example.title}", "", "```text", example.looks, "```", "")
        yield from (f"{reading_of(example)} ({module})", "")
    yield from example_lines()
    yield "[Your own folders](your-own-folders.md) says what to do where a folder is asked about."
    yield ""
    yield from ("## What is asked of arrays, and the answer", "")
    yield from table(("question", "option"), iter(QUESTIONS))
    yield from ("## What is refused, and what to do", "")
    yield from table(("file", "what to do"), iter(REFUSALS))


QUESTIONS: Final = (
    (
        "a table without a header whose first and last column may both be the label",
        "`labels=first`, `labels=last`, `labels=none`",
    ),
    ("several columns or keys of labels", "`labels=NAME`"),
    (
        "values that fill no usual range (0 to 1, 0 to 16, 0 to 255, −1 to 1, 10, 12, 16 bits)",
        "`values=0..100`",
    ),
    ("an axis that may count the images, or the pixels", "`samples=first`, `samples=last`"),
    ("a label 10 and no 0, outside MATLAB", "`ten=zero`, `ten=ten`"),
    ("an image's pixels that make no square", "`shape=20x30`"),
    ("digits that look transposed (a warning)", "`order=columns`"),
    ("dark and light paper mixed (a warning)", "`ink=light`, `ink=dark`"),
)
REFUSALS: Final = (
    ("a web page by any name", "log in on the site and download the file again"),
    ("a Git LFS pointer", "`git lfs pull`, or download it from the site's file page"),
    (
        "a pickle, an array of objects",
        "never unpickled: save one array of numbers with `numpy.savez`",
    ),
    ("an Excel workbook named .csv", "open it and save the sheet as CSV"),
    ("JSON, ARFF (OpenML), LIBSVM, Feather", "CSV, Parquet or an array: `numpy.savez`"),
    ("an array of rows of 785 values", "the labels as an array of their own"),
    ("Parquet with lists", "a column a pixel, or the picture's bytes"),
    (
        "NaN, an empty field, a short row, two header lines",
        "the line is named: repair or remove it",
    ),
    ("some images 0 to 1 and others 0 to 255", "scale them alike"),
    ("more than 4 GiB once unpacked, or half of the free memory", "keep fewer images in it"),
    ("a pipe or a device", "save what it gives to a file"),
)


def file_examples() -> Iterator[tuple[str, Any]]:
    """Yield every example, with the format its reader is for."""
    from importlib import import_module

    for module in ("csv_table", "npy", "idx", "parquet", "mat", "hdf5"):
        found = import_module(f"bench_datasets._ladder.{module}").EXAMPLES
        yield from ((f"`bench_datasets/_ladder/{module}.py`", example) for example in found)


def reading_of(example: Any) -> str:
    """Return what the program says of an example, once it has written and read it."""
    import tempfile

    from bench.spec import LoadContext
    from bench_datasets import arrays
    from bench_datasets.digits_uci import enlarge, read_scans

    scans, digits = read_scans()
    images, labels = enlarge(scans[:60])[..., 0], digits[:60]
    with tempfile.TemporaryDirectory() as folder:
        path = example.write(Path(folder), images, labels)
        context = LoadContext(paths=(path,), options={}, work_dir=Path(folder), name="digits")
        said = arrays.load(context).notes[0]
        return f"{said[0].upper()}{said[1:]}."


def table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    """Yield the lines of a Markdown table, followed by an empty one."""
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
    yield ""


def verbs_page() -> Iterator[str]:
    """Yield the page of verbs, from the parser itself."""
    yield from ("# Every verb", "", NOTE, "")
    yield "`script/bench` in a clone, `bench` where it is installed. `--debug` works with every"
    yield "verb and shows the traceback of an error. Exit codes: 0 done, 1 some trial or check"
    yield "failed, 2 the request or its input was wrong, 3 a gate failed, 130 interrupted."
    yield ""
    root = build_parser()
    yield from table(
        ("verb", "does"),
        ((f"[`bench {n}`](#bench-{n})", VERB_LINES[n]) for n in root.list_commands(None)),
    )
    for name in root.list_commands(None):
        yield from command_section(loaded_verb(root, name), f"bench {name}", 2)


def loaded_verb(root: Any, name: str) -> Any:
    """Return the command of a verb with its options, which the root only knows by name."""
    context = root.make_context("bench", [name], resilient_parsing=True)
    _, command, _ = root.resolve_command(context, [name])
    return command


def command_section(command: Any, path: str, level: int) -> Iterator[str]:
    """Yield the section of a verb and those of its own verbs."""
    yield from ("#" * level + f" {path}", "")
    yield from (plain(command.help or ""), "")
    arguments = [p for p in command.params if p.param_type_name == "argument" and not p.hidden]
    options = [p for p in command.params if p.param_type_name == "option" and not p.hidden]
    if arguments:
        yield from table(("argument", "meaning"), (argument_row(p) for p in arguments))
    if options:
        yield from table(("option", "meaning", "default"), (option_row(p) for p in options))
    epilog = plain(command.epilog or "")
    if epilog:
        yield from (epilog, "")
    for name, each in getattr(command, "commands", {}).items():
        yield from command_section(each, f"{path} {name}", level + 1)


def argument_row(parameter: Any) -> tuple[str, ...]:
    """Return the table row of a positional argument."""
    name = parameter.metavar or parameter.name.upper()
    return f"`{name}{' …' if parameter.nargs == -1 else ''}`", plain(parameter.help or "")


def option_row(parameter: Any) -> tuple[str, ...]:
    """Return the table row of an option."""
    value = parameter.metavar or choices_of(parameter)
    spelled = (*parameter.opts, *parameter.secondary_opts)
    names = ", ".join(f"`{f'{name} {value}'.strip()}`" for name in spelled)
    default = parameter.default
    shown = "" if callable(default) or default in (None, False, (), [], "") else f"`{default}`"
    return names, plain(parameter.help or ""), shown


def choices_of(parameter: Any) -> str:
    """Return the values an option can take, where they are few and fixed."""
    annotation = parameter.type_descriptor.annotation
    return "|".join(map(str, get_args(annotation))) if get_origin(annotation) is Literal else ""


def plain(text: str) -> str:
    """Return a docstring or help text as Markdown: paragraphs, and examples as a block."""
    paragraphs = re.split(r"\n\s*\n", text.replace("``", "`").strip())
    return "\n\n".join(
        examples(each) if "\n  bench " in each else " ".join(each.split()) for each in paragraphs
    )


def examples(paragraph: str) -> str:
    """Return a paragraph of a sentence and commands, the commands as a console block."""
    lines = paragraph.splitlines()
    words = [line for line in lines if not line.startswith("  bench ")]
    commands = [f"$ {line.strip()}" for line in lines if line.startswith("  bench ")]
    return "\n".join([*words, "", "```console", *commands, "```"])


def hooks_page() -> Iterator[str]:
    """Yield the page of hooks and of the events that observers are given."""
    yield from ("# Every hook", "", NOTE, "", plain(inspect.getdoc(hookspecs) or ""), "")
    yield "The examples are one plugin, which tests run:"
    yield "[`every_hook.py`](../examples/every_hook.py)."
    yield f"The plugin API is {API_VERSION}, that of report formats {REPORTER_API}. What goes is"
    yield "announced for one minor version: a plugin that uses it works, and a line of each command"
    yield "says what to change. A plugin of an API that is gone, or not there yet, is listed as"
    yield "broken, with what to do."
    yield ""
    for name, function in hooks().items():
        parameters = ", ".join(inspect.signature(function).parameters)
        yield from (f"## {name}", "", "```python", "@hookimpl")
        yield from (f"def {name}({parameters}): ...", "```", "")
        (annotation,) = (p.annotation for p in inspect.signature(function).parameters.values())
        yield from (f"`{parameters}`: `{annotation.strip(chr(34))}`", "")
        yield from (plain(inspect.getdoc(function) or ""), "")
        yield from ("```python", example_of(name), "```", "")
    yield from ("# Every event", "", plain(inspect.getdoc(events) or ""))
    yield from ("`bench run --log-format json` prints one as a line of JSON.", "")
    for event in events.Event.__args__:
        yield from (f"## {event.__struct_config__.tag}", "", plain(event.__doc__ or ""), "")
        yield from table(("field", "type"), struct_rows(event))


def example_of(hook: str) -> str:
    """Return how the example plugin implements a hook, with the function that this names."""
    source = EVERY_HOOK.read_text(encoding="utf-8")
    defined = {n.name: n for n in ast.parse(source).body if isinstance(n, ast.FunctionDef)}
    used = {n.id for n in ast.walk(defined[hook]) if isinstance(n, ast.Name)}
    wanted = [node for name, node in defined.items() if name in used or name == hook]
    lines = source.splitlines()
    first = [min([n.lineno, *(d.lineno for d in n.decorator_list)]) - 1 for n in wanted]
    parts = [lines[at : node.end_lineno] for at, node in zip(first, wanted, strict=True)]
    return "\n\n\n".join("\n".join(part) for part in parts)


def hooks() -> dict[str, Any]:
    """Return every hook by name."""
    return {n: f for n, f in vars(hookspecs).items() if n.startswith("bench_") and callable(f)}


def struct_rows(struct: Any) -> Iterator[tuple[str, ...]]:
    """Yield name and type of each field of a struct."""
    for field in msgspec.structs.fields(struct):
        kind = field.type
        yield f"`{field.name}`", f"{kind.__name__ if isinstance(kind, type) else kind}"


def python_page() -> Iterator[str]:
    """Yield the page of what ``import bench`` gives, and of every field of a request."""
    yield from ("# From Python", "", NOTE, "")
    yield from (plain(inspect.getdoc(bench) or ""), "")
    names = (name for name in bench.__all__ if not name.startswith("__"))
    yield from table(("name", "what it is"), ((f"`bench.{n}`", first_line(n)) for n in names))
    yield from (
        "## bench.run",
        "",
        plain(inspect.getdoc(bench.run) or "").split(" Parameters ")[0],
        "",
    )
    yield "```python"
    yield 'rows = bench.run("cnn-*", "digits-uci", seeds=(1, 2, 3), store="results/mine")'
    yield from ("```", "", "Beside models and datasets it takes the fields of `Request`.", "")
    yield from ("## Request", "", plain(inspect.getdoc(bench.Request) or ""), "")
    yield from table(("field", "type", "default", "meaning"), request_rows())


def first_line(name: str) -> str:
    """Return what a public name is, by the first sentence of its docstring."""
    return plain((inspect.getdoc(getattr(bench, name)) or "").split("\n\n")[0])


def request_rows() -> Iterator[tuple[str, ...]]:
    """Yield the fields of a request; the line below a field in the source is its meaning."""
    (tree,) = ast.parse(inspect.getsource(bench.Request)).body
    assert isinstance(tree, ast.ClassDef)
    for field, after in pairwise([*tree.body, ast.Pass()]):
        if not isinstance(field, ast.AnnAssign):
            continue
        meaning = ""
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            meaning = plain(str(after.value.value))
        default = ast.unparse(field.value) if field.value else ""
        shown = "" if default.startswith("field(") else f"`{default}`"
        name = ast.unparse(field.target)
        yield f"`{name}`", f"`{ast.unparse(field.annotation)}`", shown, meaning or AS_OPTION[name]


def options_page() -> Iterator[str]:
    """Yield the page of options of the built-in models and datasets."""
    yield from ("# Options of the built-in models and datasets", "", NOTE, "")
    yield "Set one with `--set NAME.option=value`, or in `bench.toml` under `[options.NAME]`;"
    yield "`NAME` may be a pattern: `--set 'cnn-*.epochs=5'`. Options are part of a trial's"
    yield "identity: another value is another trial. `bench list models NAME` prints them too."
    yield ""
    plugins = load_plugins()
    for heading, specs in (("Models", plugins.models), ("Datasets", plugins.datasets)):
        yield from (f"## {heading}", "")
        for spec in built_in(specs, plugins.homes):
            yield from spec_section(spec)


def built_in(specs: Mapping[str, Any], homes: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the specs of built-in plugins, by name."""
    for name in sorted(specs):
        if homes[name].module.startswith(("bench_plugins.", "bench_datasets.")):
            yield specs[name]


def spec_section(spec: ModelSpec | DatasetSpec) -> Iterator[str]:
    """Yield the section of a model or dataset."""
    yield from (f"### {spec.name}", "", plain(spec.summary), "")
    options = as_options(spec.options)
    if options:
        head = ("option", "type", "default", "meaning")
        yield from table(head, (row_of_option(n, o) for n, o in options.items()))


def row_of_option(name: str, option: Option) -> tuple[str, ...]:
    """Return the table row of a plugin's option, its limits included."""
    limits = []
    choices = [f"`{shown(choice)}`" for choice in option.choices if choice != ""]
    if choices:
        limits.append(f"one of {', '.join(choices)}")
    if option.minimum is not None:
        limits.append(f"at least {option.minimum:g}")
    if option.maximum is not None:
        limits.append(f"at most {option.maximum:g}")
    meaning = "; ".join(text for text in (option.help, ", ".join(limits)) if text)
    default = "" if option.default == "" else f"`{shown(option.default)}`"
    return f"`{name}`", option.type_name, default, meaning


def shown(value: OptionValue) -> str:
    """Return a value as it is typed after ``--set``."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def records_page() -> Iterator[str]:
    """Yield the page of the leaderboard's columns and of everything a store holds."""
    yield from ("# Every column and record field", "", NOTE, "")
    yield "A share is 0 to 1. The unit is in the name. An empty cell, `null` or NaN means: not"
    yield "measured, or it does not apply; it never means 0."
    yield from ("", "## The leaderboard", "")
    yield "The columns of `bench show leaderboard --csv`, of its `--json` and of"
    yield from ("`bench.load_results()`, in this order:", "", fields_table(LEADERBOARD_FIELDS))
    yield from (f"## A store, format {SCHEMA_VERSION}", "", "```")
    yield "trials/<trial-id>/                        record.json, history.csv, log.txt, model/"
    yield "trials/<trial-id>--<attempt>/             the same of one that did not succeed"
    yield "evaluations/<trial-id>--<evaluation-id>/  record.json, predictions.npz"
    yield "splits/<split-hash>.npz                   names and groups of the test images"
    yield from ("```", "")
    yield "Each folder is written beside its final name, renamed into place and never changed: two"
    yield "stores are merged by copying one into the other. `.work`, `.locks` and `.index` are not"
    yield from ("results; `superseded` holds what `--fresh` replaced.", "")
    for heading, struct in (("trial", TrialRecord), ("evaluation", EvaluationRecord)):
        names = tuple(field.name for field in msgspec.structs.fields(struct))
        yield from (f"## record.json of {article(heading)}", "", fields_table(known(names)))
    yield from ("### identity", "", "What decides a trial's result:", "")
    yield from table(("field", "meaning"), described(Identity, PARTS_OF_AN_IDENTITY))
    yield from ("### machine", "", "No host name and no user name:", "")
    yield from table(("field", "meaning"), described(Machine, FACTS_OF_A_MACHINE))
    history = tuple(f.name for f in dataclass_fields(Epoch) if f.name != "epochs")
    yield from ("## history.csv", "", "A line an epoch.", "", fields_table(history))
    yield from ("## predictions.npz", "")
    yield from table(("array", "content"), ((f"`{n}`", text) for n, text in PREDICTIONS.items()))
    yield from ("## splits", "")
    yield from table(("array", "content"), ((f"`{n}`", text) for n, text in SPLIT.items()))
    others = tuple(name for name in FIELDS if name not in LEADERBOARD_FIELDS)
    yield from ("## Further columns", "", "Of `--per-seed`, of views and of reports.", "")
    yield fields_table(others)
    yield from ("## Columns of a classification report", "", "`bench show report --csv`.", "")
    yield fields_table(tuple(REPORT_FIELDS), REPORT_FIELDS).rstrip()


def article(noun: str) -> str:
    """Return the noun with its indefinite article."""
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def known(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names that the registry of fields knows; a test fails if it misses one."""
    return tuple(name for name in names if name in FIELDS)


def described(struct: Any, meanings: Mapping[str, str]) -> Iterator[tuple[str, ...]]:
    """Yield the rows of a struct's fields; raises KeyError for one without a meaning."""
    for field in msgspec.structs.fields(struct):
        yield f"`{field.name}`", meanings[field.name]


def main() -> None:
    """Write the pages."""
    os.environ["BENCH_PROG"] = "bench"
    REFERENCE.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (REFERENCE / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
