"""``script/emulate.py NAME COMMAND…`` runs a command as on a lesser processor.

It takes instructions away by the settings of the libraries that choose by them: oneDNN, OpenBLAS,
numpy and the C library. `bench` reads oneDNN's setting too, so that it sees no bfloat16 unit.
Without arguments the names are printed. Exit code 3: numpy still shows what was taken away.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass

_AVX512 = ("X86_V4", "AVX512")
_AVX2 = ("X86_V3", "AVX2", "FMA3", "F16C", "AVX")


@dataclass(frozen=True, kw_only=True)
class Processor:
    """A processor to be seen in place of this one.

    ``without`` are the beginnings of numpy's names for the features taken away, ``glibc`` the C
    library's; ``onednn`` and ``openblas`` are the values of their own settings.
    """

    onednn: str
    openblas: str
    without: tuple[str, ...]
    glibc: tuple[str, ...]


_GLIBC_AVX512 = ("AVX512F", "AVX512VL", "AVX512BW", "AVX512DQ", "AVX512CD", "AVX512ER")
_GLIBC_AVX2 = ("AVX2", "AVX", "FMA", "FMA4", "BMI1", "BMI2", "AVX2_Usable", "FMA_Usable")

PROCESSORS = {
    "haswell": Processor(onednn="AVX2", openblas="Haswell", without=_AVX512, glibc=_GLIBC_AVX512),
    "zen": Processor(onednn="AVX2", openblas="Zen", without=_AVX512, glibc=_GLIBC_AVX512),
    "prescott": Processor(
        onednn="SSE41",
        openblas="Prescott",
        without=(*_AVX512, *_AVX2),
        glibc=(*_GLIBC_AVX512, *_GLIBC_AVX2),
    ),
}

_ASK_NUMPY = """
import json, sys
try:
    from numpy._core import _multiarray_umath as core
except ImportError:
    from numpy.core import _multiarray_umath as core
seen = [name for name, has in core.__cpu_features__.items() if has]
json.dump([list(core.__cpu_dispatch__), seen], sys.stdout)
"""


def environment(name: str) -> dict[str, str]:
    """Return the environment in which this Python's libraries see the named processor."""
    processor = PROCESSORS[name]
    plain = {key: value for key, value in os.environ.items() if not key.startswith("NPY_")}
    dispatched, _ = _numpy_features(plain)
    # numpy warns of a name that it knows no code for; one that this processor lacks is fine.
    taken = [feature for feature in dispatched if feature.startswith(processor.without)]
    return {
        **plain,
        "ONEDNN_MAX_CPU_ISA": processor.onednn,
        "OPENBLAS_CORETYPE": processor.openblas,
        "NPY_DISABLE_CPU_FEATURES": " ".join(taken),
        "GLIBC_TUNABLES": "glibc.cpu.hwcaps=" + ",".join(f"-{each}" for each in processor.glibc),
    }


def still_there(environment: dict[str, str]) -> list[str]:
    """Return what numpy shows in spite of having been told to do without it."""
    _, seen = _numpy_features(environment)
    return sorted(set(seen) & set(environment["NPY_DISABLE_CPU_FEATURES"].split()))


def _numpy_features(environment: dict[str, str]) -> tuple[list[str], list[str]]:
    """Return the features that numpy has code for, and those that it sees here."""
    asked = subprocess.run(
        [sys.executable, "-W", "error", "-c", _ASK_NUMPY],
        env=environment,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    dispatched, seen = json.loads(asked.stdout)
    return dispatched, seen


def main(arguments: list[str]) -> int:
    """Run the command; return its exit code."""
    if len(arguments) < 2 or arguments[0] not in PROCESSORS:
        sys.stderr.write(f"usage: script/emulate.py NAME COMMAND…; {', '.join(PROCESSORS)}\n")
        return 2
    name, *command = arguments
    emulated = environment(name)
    if left := still_there(emulated):
        sys.stderr.write(f"emulate {name}: numpy still sees {', '.join(left)}\n")
        return 3
    return subprocess.run(command, env=emulated).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
