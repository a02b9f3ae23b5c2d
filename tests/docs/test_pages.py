"""Pages link to what exists, and show only commands that exist."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.cli import build_parser

REPOSITORY = Path(__file__).parents[2]
PAGES = sorted(
    path.relative_to(REPOSITORY).as_posix()
    for path in (REPOSITORY / "README.md", *(REPOSITORY / "docs").rglob("*.md"))
)
LINK = re.compile(r"\]\(([^)\s]+)\)|(?:src|srcset|href)=\"([^\"]+)\"")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def anchors(text: str) -> set[str]:
    """Return the anchors of the headings, as the forges make them."""
    kept = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in HEADING.findall(text))
    return {heading.strip().replace(" ", "-") for heading in kept}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page))
def test_links_lead_somewhere(page: str) -> None:
    path = REPOSITORY / page
    text = path.read_text(encoding="utf-8")
    broken = []
    for link in (first or second for first, second in LINK.findall(text)):
        if link.startswith(("http://", "https://")):
            continue
        name, _, anchor = link.partition("#")
        target = path.parent / name if name else path
        if not target.exists() or (
            anchor and anchor not in anchors(target.read_text(encoding="utf-8"))
        ):
            broken.append(link)

    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page))
def test_commands_shown_exist_with_the_options_shown(
    page: str, shown_commands: Callable[[Path], list[list[str]]]
) -> None:
    parser = build_parser()
    for words in shown_commands(REPOSITORY / page):
        root = parser.make_context("bench", list(words), resilient_parsing=False)
        rest = [*root._protected_args, *root.args]
        name, command, rest = parser.resolve_command(root, rest)
        if name == "show" and "--help" not in rest and (not rest or rest[0].startswith("-")):
            rest = ["leaderboard", *rest]
        while getattr(command, "commands", None) and rest and not rest[0].startswith("-"):
            context = command.make_context(name, rest, parent=root)
            name, command, rest = command.resolve_command(
                context, [*context._protected_args, *context.args]
            )
        if "--help" not in rest:
            command.make_context(name, list(rest), parent=root)


def test_every_page_is_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    waiting = [REPOSITORY / "README.md"]
    while waiting:
        path = waiting.pop().resolve()
        if path in seen or path.suffix != ".md" or not path.exists():
            continue
        seen.add(path)
        links = (a or b for a, b in LINK.findall(path.read_text(encoding="utf-8")))
        waiting += [path.parent / link.partition("#")[0] for link in links if "://" not in link]

    assert [page for page in PAGES if (REPOSITORY / page).resolve() not in seen] == []
