"""script/bench and script/setup, with a stand-in for uv: the only part that needs a network."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from zipfile import ZipFile

import pytest

REPOSITORY = Path(__file__).parents[2]
TOOLS = (
    "sh", "cat", "cmp", "rm", "mktemp", "tail", "date", "touch", "cp", "readlink", "sleep", "env",
    "grep", "sed",
)  # fmt: skip

UV = """#!/bin/sh
case $1 in
  venv)
    for place; do :; done
    mkdir -p "$place/bin" && ln -s "{python}" "$place/bin/python" && touch "$place/pyvenv.cfg" ;;
  pip)
    echo "$* bytecode=${{PYTHONDONTWRITEBYTECODE-unset}}" >>"{calls}"
    [ -z "$UV_SLEEPS" ] || sleep "$UV_SLEEPS"
    [ -z "$UV_KILLS_ITS_PARENT" ] || kill -9 "$PPID"
    [ -z "$UV_FAILS" ] || {{ echo "No solution found: no such version" >&2; exit 1; }}
    cat >.venv/bin/bench <<'BENCH'
#!/bin/sh
echo "prog=$BENCH_PROG bytecode=${{PYTHONDONTWRITEBYTECODE-unset}}" "$@"
BENCH
    chmod +x .venv/bin/bench ;;
  python) exit 1 ;;
esac
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """A copy of the scripts in a folder of its own, with a PATH of its own."""

    root: Path
    bin: Path
    calls: Path
    env: dict[str, str] = field(default_factory=dict)

    def run(
        self, *command: str, cwd: Path | None = None, **env: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command with only the tools of this checkout on its PATH."""
        return subprocess.run(
            command or (str(self.root / "script/bench"),),
            cwd=cwd or self.root,
            env={"PATH": str(self.bin), "HOME": str(self.root), **self.env, **env},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def installs(self) -> list[str]:
        """Return what uv was asked to install, a line a call."""
        return self.calls.read_text().splitlines() if self.calls.exists() else []

    def add(self, name: str, text: str) -> None:
        """Put a program on the PATH."""
        (self.bin / name).write_text(text)
        (self.bin / name).chmod(0o755)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    root = tmp_path / "a clone"
    for name in ("script/bench", "script/setup", "pyproject.toml", "constraints.txt"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / name, root / name)
    place = tmp_path / "bin"
    place.mkdir()
    for tool in (*TOOLS, "mkdir", "ln", "chmod"):
        found = shutil.which(tool)
        assert found is not None
        (place / tool).symlink_to(found)
    made = Checkout(root=root, bin=place, calls=tmp_path / "calls")
    made.add("python3.13", "#!/bin/sh\necho 'pyenv: python3.13: command not found' >&2\nexit 127\n")
    made.add("python3.11", f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    made.add("uv", UV.format(python=sys.executable, calls=made.calls))
    return made


def unsupported_python(checkout: Checkout) -> None:
    """Leave only a Python that is too new."""
    (checkout.bin / "python3.11").unlink()
    checkout.add(
        "python3", '#!/bin/sh\ncase "$2" in *platform*) echo here is 3.14.0 ;; *) exit 1 ;; esac\n'
    )


def test_first_call_installs_and_runs_the_command(checkout: Checkout) -> None:
    done = checkout.run(str(checkout.root / "script/bench"), "list", "two words")

    assert done.stdout.endswith("bytecode=unset list two words\n")
    assert "first run: installing" in done.stderr
    assert re.search(r": a download of \d+ MB, about 3 minutes\n", done.stderr)
    assert done.returncode == 0


def test_later_calls_install_nothing_and_say_nothing(checkout: Checkout) -> None:
    checkout.run()
    done = checkout.run()

    assert (len(checkout.installs()), done.stderr, done.returncode) == (1, "", 0)


def test_later_calls_start_no_python_of_their_own(checkout: Checkout) -> None:
    checkout.run()
    for name in ("python3.11", "python3.13", "uv"):
        (checkout.bin / name).unlink()

    assert checkout.run().returncode == 0


def test_install_is_pinned_editable_and_compiled_whatever_the_machine_prefers(
    checkout: Checkout,
) -> None:
    checkout.run(PYTHONDONTWRITEBYTECODE="1")

    assert checkout.installs() == [
        f"pip install -q --python {checkout.root}/.venv/bin/python --compile-bytecode "
        "-c constraints.txt -e . bytecode=unset"
    ]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("constraints.txt", id="constraints"),
        pytest.param("pyproject.toml", id="pyproject"),
    ],
)
def test_changed_requirements_are_installed_again(checkout: Checkout, name: str) -> None:
    checkout.run()
    with (checkout.root / name).open("a") as file:
        file.write("# changed\n")
    done = checkout.run()

    assert "has changed: updating .venv" in done.stderr
    assert len(checkout.installs()) == 2


def test_touching_the_requirements_installs_nothing(checkout: Checkout) -> None:
    checkout.run()
    (checkout.root / "constraints.txt").touch()
    checkout.run()

    assert len(checkout.installs()) == 1


def test_unsupported_python_gets_one_line_that_says_what_to_install(checkout: Checkout) -> None:
    unsupported_python(checkout)
    done = checkout.run("script/bench", "list")

    assert done.stderr == (
        "script/bench: needs Python 3.11, 3.12 or 3.13 (here is 3.14.0): install one, for example "
        "'apt install python3.11 python3.11-venv', 'brew install python@3.13' or "
        "'uv python install 3.13'\n"
    )
    assert (done.stdout, done.returncode) == ("", 2)
    assert not (checkout.root / ".venv").exists()


def test_failed_install_is_one_line_with_the_cause_and_leaves_nothing(
    checkout: Checkout, tmp_path: Path
) -> None:
    done = checkout.run("script/bench", UV_FAILS="1", TMPDIR=str(tmp_path))

    assert done.stderr.splitlines()[1:] == [
        "script/bench: installing with uv failed: No solution found: no such version; "
        f"all of it is in {tmp_path}/digitbench-setup.log",
    ]
    assert done.returncode == 1
    assert not (checkout.root / ".venv").exists()


def test_failed_update_keeps_the_environment_and_is_tried_again(checkout: Checkout) -> None:
    checkout.run()
    (checkout.root / "constraints.txt").write_text("numpy==0.0.1\n")
    failed = checkout.run(UV_FAILS="1")
    done = checkout.run()

    assert (failed.returncode, done.returncode) == (1, 0)
    assert len(checkout.installs()) == 3


def test_first_install_that_was_killed_starts_afresh(checkout: Checkout) -> None:
    killed = checkout.run(UV_KILLS_ITS_PARENT="1")
    leftover = checkout.root / ".venv/half-written"
    leftover.touch()
    done = checkout.run()

    assert (killed.returncode == 0, done.returncode, leftover.exists()) == (False, 0, False)


def test_two_first_calls_at_once_install_once(checkout: Checkout) -> None:
    command = [str(checkout.root / "script/bench"), "list"]
    env = {"PATH": str(checkout.bin), "HOME": str(checkout.root), "UV_SLEEPS": "0.5"}
    both = [
        subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=60)[0] for process in both]

    assert [process.returncode for process in both] == [0, 0]
    assert all(b"list" in output for output in outputs)
    assert len(checkout.installs()) == 1


def test_moved_checkout_makes_its_environment_again(checkout: Checkout) -> None:
    checkout.run()
    moved = checkout.root.rename(checkout.root.with_name("elsewhere"))
    (moved / ".venv/of-the-old-place").touch()
    done = checkout.run(str(moved / "script/bench"), cwd=moved)

    assert done.returncode == 0
    assert not (moved / ".venv/of-the-old-place").exists()


def test_works_from_any_folder_and_through_a_symlink(checkout: Checkout, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(os.path.relpath(checkout.root / "script/bench", tmp_path))
    far = tmp_path / "far"
    far.mkdir()
    done = checkout.run(str(tmp_path / "link"), "list", cwd=far)

    assert (done.returncode, done.stdout.endswith("list\n")) == (0, True)
    assert (checkout.root / ".venv").is_dir()


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        pytest.param("script/bench", "script/bench", id="relative path"),
        pytest.param("bench", "bench", id="name on PATH"),
    ],
)
def test_hints_get_the_name_the_user_typed(checkout: Checkout, typed: str, shown: str) -> None:
    (checkout.bin / "bench").symlink_to(checkout.root / "script/bench")
    checkout.run()
    done = checkout.run("sh", "-c", typed)

    assert done.stdout.startswith(f"prog={shown} ")


def test_development_tools_survive_an_update(checkout: Checkout) -> None:
    checkout.run("script/setup", "dev")
    (checkout.root / "constraints.txt").write_text("numpy==2.0.0\n")
    checkout.run()

    assert [line.split(" -e . ")[1] for line in checkout.installs()] == [
        "--group dev bytecode=unset"
    ] * 2


def test_folder_in_the_way_of_the_environment_is_not_deleted(checkout: Checkout) -> None:
    (checkout.root / ".venv").mkdir()
    (checkout.root / ".venv/precious").touch()
    done = checkout.run("script/bench")

    assert done.stderr.splitlines()[-1] == (
        "script/bench: .venv is in the way and no virtual environment: move it"
    )
    assert (checkout.root / ".venv/precious").exists()
    assert done.returncode == 2


# Stands for pip: its wheel installs it, and installing with it makes the command.
PIP = """
import pathlib, sys, sysconfig, zipfile
wheel = next((each for each in pathlib.Path(__file__).parents if each.suffix == ".whl"), None)
if wheel:
    zipfile.ZipFile(wheel).extractall(sysconfig.get_path("purelib"))
elif "--version" not in sys.argv:
    command = pathlib.Path(sys.executable).with_name("bench")
    command.write_text("#!/bin/sh\\necho ran\\n")
    command.chmod(0o755)
"""


class _Silent(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 # the base's name
        """Say nothing."""


@pytest.fixture
def index(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A package index that holds the pinned pip: its address, and the page that names the wheel."""
    pins = (REPOSITORY / "constraints.txt").read_text()
    version = re.search(r"(?m)^pip==(\S+)", pins)
    assert version is not None
    page = tmp_path / "index/simple/pip/index.html"
    page.parent.mkdir(parents=True)
    wheel = page.parent / f"pip-{version[1]}-py3-none-any.whl"
    with ZipFile(wheel, "w") as archive:
        archive.writestr("pip/__init__.py", "")
        archive.writestr("pip/__main__.py", PIP)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    page.write_text(f'<a href="/simple/pip/{wheel.name}#sha256={digest}">{wheel.name}</a>')
    handler = partial(_Silent, directory=str(tmp_path / "index"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/simple", page
        server.shutdown()


@pytest.fixture
def without_pip(checkout: Checkout, tmp_path: Path) -> Checkout:
    """A checkout on a machine with a system Python alone: no uv, no ensurepip, no _sqlite3."""
    (checkout.bin / "uv").unlink()
    hiding = tmp_path / "hiding"
    hiding.mkdir()
    for name in ("ensurepip", "_sqlite3"):
        (hiding / f"{name}.py").write_text("raise ImportError('it was left out')\n")
    checkout.env["PYTHONPATH"] = str(hiding)
    return checkout


def test_a_python_without_pip_gets_the_pinned_one_from_the_index(
    without_pip: Checkout, index: tuple[str, Path]
) -> None:
    address, _ = index
    done = without_pip.run(PIP_INDEX_URL=address)
    assert (done.stdout, done.returncode) == ("ran\n", 0), done.stderr


def test_a_pip_that_is_not_the_indexs_is_not_run(
    without_pip: Checkout, index: tuple[str, Path]
) -> None:
    address, page = index
    (wheel,) = page.parent.glob("*.whl")
    wheel.write_bytes(wheel.read_bytes() + b"more")
    done = without_pip.run(PIP_INDEX_URL=address)
    assert done.stderr.splitlines()[1].startswith(
        f"{without_pip.root}/script/bench: pip is missing: "
        "the wheel of pip that was downloaded is not the index's; all of it is in "
    )
    assert done.returncode == 1
    assert not (without_pip.root / ".venv").exists()


def test_a_proxy_that_does_not_answer_is_named_without_its_password(without_pip: Checkout) -> None:
    done = without_pip.run(
        PIP_INDEX_URL="https://index.invalid/simple",
        https_proxy="http://me:secret@127.0.0.1:9",
    )
    (_, line) = done.stderr.splitlines()
    assert "the package index is not reached" in line
    assert "https_proxy=127.0.0.1:9" in line
    assert "secret" not in line
    assert done.returncode == 1


def test_a_python_that_was_built_without_ssl_is_passed_over(checkout: Checkout) -> None:
    hiding = checkout.root.parent / "hiding"
    hiding.mkdir()
    (hiding / "ssl.py").write_text("raise ImportError('it was left out')\n")
    checkout.add("python3.12", f'#!/bin/sh\nPYTHONPATH={hiding} exec "{sys.executable}" "$@"\n')
    assert checkout.run().returncode == 0
