"""What a Python file computes, as a hash: its definitions, not how or where they are written down.

Comments, docstrings, layout, the order of functions, type-checking blocks and imports of the
harness do not enter. Fields that are empty or only tell how a name is used are left out, since
versions of Python differ in them.
"""

import ast
import json
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from hashlib import sha256

__all__ = ["HARNESS", "definitions_hash", "hash_of_definitions", "imports_of", "only", "parse"]

HARNESS = "bench"
_BODIES = frozenset({"body", "orelse", "finalbody"})
_SAYS_NOTHING = frozenset({"ctx", "kind", "type_comment", "type_ignores"})
# What these wrap is the same wherever it stands in the file; others may count or register.
_ORDERLESS = frozenset(
    {
        "abstractmethod",
        "cache",
        "classmethod",
        "contextmanager",
        "dataclass",
        "final",
        "hookimpl",
        "lru_cache",
        "njit",
        "overload",
        "override",
        "property",
        "runtime_checkable",
        "staticmethod",
        "wraps",
    }
)
_KEEPS_COUNT = ("__init_subclass__", "__set_name__", "__subclasses__", "metaclass", "__new__")


@lru_cache(maxsize=512)
def parse(source: bytes) -> ast.Module | None:
    """Return the syntax tree of a source; None for one that this Python cannot read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)
    # A template, another version's syntax, NUL bytes, nesting without end.
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def definitions_hash(source: bytes) -> str:
    """Return one hash of what a file computes; of its bytes, where it cannot be read as Python."""
    return hash_of_definitions([source])


def hash_of_definitions(sources: Iterable[bytes], *, exported_names: bool = True) -> str:
    """Return one hash of the definitions of several files, wherever among them each stands.

    Parameters
    ----------
    exported_names : bool
        Whether ``__all__`` counts: it does not where nothing imports by a star.
    """
    found: set[str] = set()
    for source in sources:
        tree = parse(source)
        if tree is None:
            found.add("unreadable " + sha256(source).hexdigest())
        else:
            found.update(_of_module(tree, exported_names=exported_names))
    digest = sha256()
    for text in sorted(found):
        digest.update(f"{len(text)}:{text}".encode())
    return digest.hexdigest()


def only(source: bytes, names: Iterable[str]) -> bytes:
    """Return the part of a source that defines these functions, classes and constants."""
    tree, wanted = parse(source), set(names)
    parts = [s for s in tree.body if wanted.intersection(_binds(s))] if tree else []
    return "\n\n".join(ast.get_source_segment(source.decode(), p) or "" for p in parts).encode()


def imports_of(tree: ast.AST) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    """Yield level, module and imported names of every import, wherever it stands in a file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield 0, alias.name, ()
        elif isinstance(node, ast.ImportFrom):
            yield node.level, node.module or "", tuple(alias.name for alias in node.names)


def _of_module(tree: ast.Module, *, exported_names: bool) -> Iterator[str]:
    """Yield the definitions of a module; what depends on its place, as one text, in order."""
    statements = list(_statements(tree.body))
    bound = Counter(name for statement in statements for name in _binds(statement))
    classes_count = any(_mentions(statement, _KEEPS_COUNT) for statement in statements)
    in_order = []
    for statement in statements:
        if not exported_names and _binds(statement) == ("__all__",):
            continue
        if isinstance(statement, ast.Import | ast.ImportFrom):
            again = any(bound[name] > 1 and name != "*" for name in _binds(statement))
            texts = list(_import_texts(statement))
        else:
            again = any(bound[name] > 1 for name in _binds(statement))
            texts = [_text(statement)]
        if again or not _is_orderless(statement, classes_count=classes_count):
            in_order += texts
        else:
            yield from texts
    if in_order:
        yield "in order " + " ".join(in_order)


def _statements(body: Sequence[ast.AST]) -> Iterator[ast.AST]:
    """Yield the statements of a block that compute something."""
    for statement in body:
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            continue
        if isinstance(statement, ast.If) and not statement.orelse and _is_type_checking(statement):
            continue
        if isinstance(statement, ast.Import | ast.ImportFrom) and not list(
            _import_texts(statement)
        ):
            continue
        yield statement


def _is_type_checking(statement: ast.If) -> bool:
    test = statement.test
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", "")
    return name == "TYPE_CHECKING"


def _import_texts(statement: ast.Import | ast.ImportFrom) -> Iterator[str]:
    """Yield a text for each name imported; none for one of the harness, unless it is renamed."""
    level = getattr(statement, "level", 0)
    module = getattr(statement, "module", None) or ""
    for alias in statement.names:
        origin = module if isinstance(statement, ast.ImportFrom) else alias.name
        if not level and origin.partition(".")[0] == HARNESS:
            origin = HARNESS
            if alias.asname is None or alias.asname == alias.name.rpartition(".")[2]:
                continue
        name = alias.name if isinstance(statement, ast.ImportFrom) else ""
        yield f"import {level} {origin} {name} {alias.asname or ''}"


def _binds(statement: ast.AST) -> tuple[str, ...]:
    """Return the names that a statement at the top of a module binds, as far as is plain to see."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return (statement.name,)
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return tuple(alias.asname or alias.name.partition(".")[0] for alias in statement.names)
    names = (
        node.id
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    )
    return tuple(dict.fromkeys(names))


def _is_orderless(statement: ast.AST, *, classes_count: bool) -> bool:
    """Whether a statement means the same wherever it stands at the top of its module."""
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return True
    if isinstance(statement, ast.ClassDef):
        at_import = [*statement.bases, *statement.keywords]
        return not classes_count and _is_wrapped_plainly(statement) and not _calls(at_import)
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        arguments = statement.args
        defaults = [*arguments.defaults, *(d for d in arguments.kw_defaults if d is not None)]
        return _is_wrapped_plainly(statement) and not _calls(defaults)
    if isinstance(statement, ast.Assign | ast.AnnAssign):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        value = [] if statement.value is None else [statement.value]
        return all(isinstance(target, ast.Name) for target in targets) and not _calls(value)
    return False


def _is_wrapped_plainly(
    statement: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef,
) -> bool:
    for decorator in statement.decorator_list:
        inner = decorator.func if isinstance(decorator, ast.Call) else decorator
        name = inner.attr if isinstance(inner, ast.Attribute) else getattr(inner, "id", "")
        if name not in _ORDERLESS:
            return False
    return True


def _calls(nodes: Iterable[ast.AST]) -> bool:
    """Whether anything is called, or assigned in passing, when these are evaluated."""
    active = ast.Call | ast.NamedExpr | ast.Await | ast.Yield | ast.YieldFrom
    return any(isinstance(inner, active) for node in nodes for inner in ast.walk(node))


def _mentions(statement: ast.AST, names: Sequence[str]) -> bool:
    for node in ast.walk(statement):
        said = getattr(node, "name", None) or getattr(node, "attr", None)
        if said in names or (isinstance(node, ast.keyword) and node.arg in names):
            return True
    return False


def _text(node: ast.AST) -> str:
    """Return a syntax tree as text, the same in every version of Python that can parse it."""
    parts: list[str] = []
    stack: list[object] = [node]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            parts.append(item)
        elif isinstance(item, ast.Constant):
            parts.append(_constant(item.value))
        elif isinstance(item, ast.Import | ast.ImportFrom):
            parts += _import_texts(item)
        elif isinstance(item, ast.AST):
            parts.append(f"({type(item).__name__}")
            stack.append(")")
            for name in reversed(item._fields):
                value = getattr(item, name, None)
                if value is None or name in _SAYS_NOTHING:
                    continue
                if isinstance(value, list):
                    inner = _inner(item, name, value)
                    if inner:
                        stack += ["]", *reversed([_filled(each) for each in inner]), f"{name}["]
                elif isinstance(value, ast.AST):
                    stack += [value, f"{name}="]
                else:
                    parts_of = json.dumps(value)
                    stack += [parts_of, f"{name}="]
    return " ".join(parts)


def _inner(node: ast.AST, name: str, values: list[ast.AST]) -> list[ast.AST]:
    if name in _BODIES:
        return list(_statements(values))
    if isinstance(node, ast.JoinedStr):  # versions differ in the empty strings between the parts
        return [v for v in values if not (isinstance(v, ast.Constant) and v.value == "")]
    return values


def _filled(item: object) -> object:
    # A key of `{**other}` is None, and its place counts.
    if item is None:
        return "None"
    return json.dumps(item) if isinstance(item, str) else item


def _constant(value: object) -> str:
    """Return a literal as text; ASCII only, since what else is printable differs by version."""
    if isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return f"int {value:x}"  # of any length
    return f"{type(value).__name__} {value!r}"
