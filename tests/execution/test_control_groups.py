"""The limits of control groups, read from trees of files as Linux shows them."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from bench.execution import machine
from bench.execution.control_groups import allowed_cores, allowed_memory_bytes, free_memory_bytes

MIB = 1 << 20
NO_LIMIT_V1 = str((1 << 63) - 4096)


def tree(root: Path, groups: str, files: Mapping[str, object]) -> Path:
    """Write ``/proc/self/cgroup`` and files below ``/sys/fs/cgroup``."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(groups)
    for name, text in files.items():
        path = root / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    return root


V2 = "0::/kubepods/pod1/box\n"
V1 = "4:memory:/docker/box\n2:cpu,cpuacct:/docker/box\n1:name=systemd:/docker/box\n"


@pytest.mark.parametrize(
    ("groups", "files", "cores"),
    [
        pytest.param(V2, {"kubepods/pod1/box/cpu.max": "100000 100000"}, 1, id="v2"),
        pytest.param(V2, {"kubepods/pod1/cpu.max": "250000 100000"}, 3, id="v2, of the parent"),
        pytest.param(V2, {"cpu.max": "200000 100000"}, 2, id="v2, a container's own root"),
        pytest.param(
            V2,
            {"kubepods/cpu.max": "400000 100000", "kubepods/pod1/box/cpu.max": "50000 100000"},
            1,
            id="v2, the smallest",
        ),
        pytest.param(V2, {"kubepods/pod1/box/cpu.max": "max 100000"}, None, id="v2, no limit"),
        pytest.param("0::/../../other\n", {"cpu.max": "100000 100000"}, 1, id="v2, outside"),
        pytest.param(
            "1:name=systemd:/\n0::/box\n",
            {"unified/box/cpu.max": "100000 100000"},
            1,
            id="v2 beside v1",
        ),
        pytest.param(
            V1,
            {"cpu,cpuacct/docker/box/cpu.cfs_quota_us": 200000,
             "cpu,cpuacct/docker/box/cpu.cfs_period_us": 100000},
            2,
            id="v1",
        ),
        pytest.param(
            V1,
            {"cpu/cpu.cfs_quota_us": 100000, "cpu/cpu.cfs_period_us": 100000},
            1,
            id="v1, a container's own root",
        ),
        pytest.param(
            V1,
            {"cpu/docker/box/cpu.cfs_quota_us": -1, "cpu/docker/box/cpu.cfs_period_us": 100000},
            None,
            id="v1, no limit",
        ),
        pytest.param(V2, {"cpu.max": "spoilt"}, None, id="no number"),
    ],
)  # fmt: skip
def test_a_share_of_processors_counts_as_their_number(
    tmp_path: Path, groups: str, files: Mapping[str, object], cores: int | None
) -> None:
    assert allowed_cores(tree(tmp_path, groups, files)) == cores


@pytest.mark.parametrize(
    ("groups", "files", "allowed", "free"),
    [
        pytest.param(
            V2,
            {
                "kubepods/pod1/box/memory.max": 2048 * MIB,
                "kubepods/pod1/box/memory.current": 1000 * MIB,
                "kubepods/pod1/box/memory.stat": f"anon 1\ninactive_file {400 * MIB}",
            },
            2048,
            1448,
            id="v2",
        ),
        pytest.param(
            V1,
            {
                "memory/docker/box/memory.limit_in_bytes": 2048 * MIB,
                "memory/docker/box/memory.usage_in_bytes": 1000 * MIB,
                "memory/docker/box/memory.stat": f"total_inactive_file {400 * MIB}",
                "memory/memory.limit_in_bytes": NO_LIMIT_V1,
            },
            2048,
            1448,
            id="v1",
        ),
        pytest.param(V2, {"memory.max": "max"}, None, None, id="no limit"),
        pytest.param("", {}, None, None, id="no groups"),
    ],
)
def test_a_limit_of_memory_is_read_with_what_is_free_of_it(
    tmp_path: Path,
    groups: str,
    files: Mapping[str, object],
    allowed: int | None,
    free: int | None,
) -> None:
    root = tree(tmp_path, groups, files)

    assert (allowed_memory_bytes(root), free_memory_bytes(root)) == (
        allowed and allowed * MIB,
        free and free * MIB,
    )


def test_the_machine_is_no_larger_than_its_container(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"cpu.max": "100000 100000", "memory.max": 2 << 30, "memory.current": 1 << 30}
    root = tree(tmp_path, "0::/\n", files)
    for name, read in (
        ("allowed_cores", allowed_cores),
        ("allowed_memory_bytes", allowed_memory_bytes),
        ("free_memory_bytes", free_memory_bytes),
    ):
        monkeypatch.setattr(machine, name, lambda read=read: read(root))
    machine.machine_facts.cache_clear()
    try:
        facts = machine.machine_facts()
    finally:
        machine.machine_facts.cache_clear()

    assert (machine.available_cores(), facts.cores) == (1, 1)
    assert facts.memory_bytes == 2 << 30
    assert machine.available_memory_bytes() <= 1 << 30


def test_a_machine_without_limits_is_as_large_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tree(tmp_path, "", {})
    monkeypatch.setattr(machine, "allowed_cores", lambda: allowed_cores(root))
    expected = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()

    assert machine.available_cores() == expected
