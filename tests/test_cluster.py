"""The same batch on a Dask cluster: real scheduler and worker processes on loopback, one of them killed."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small import ENVIRONMENT, leftovers, raw_bytes, raw_folder, rawback

distributed = pytest.importorskip("distributed", reason="needs the extra [cluster]")
pytest.importorskip("fsspec", reason="needs the extra [cluster]")


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Address of a scheduler, and its two workers' processes; no nannies: what is killed stays dead."""
    folder = tmp_path_factory.mktemp("dask")
    address = f"tcp://127.0.0.1:{free_port()}"
    quiet = {"cwd": folder, "env": ENVIRONMENT, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    dask = [sys.executable, "-m", "distributed.cli"]
    host, port = address.removeprefix("tcp://").split(":")
    command = [*dask[:2], "distributed.cli.dask_scheduler", "--host", host, "--port", port, "--no-dashboard"]
    processes = [subprocess.Popen(command, **quiet)]
    for _ in range(2):
        command = [*dask[:2], "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard"]
        processes.append(subprocess.Popen(command, **quiet))
    try:
        with distributed.Client(address, timeout=60, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=60)
        yield address, processes[1:]
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_a_killed_worker_changes_nothing(cluster, tmp_path, ends):
    address, workers = cluster
    raw_folder(tmp_path / "in", 16, width=256, height=256)
    (tmp_path / "in" / "bad.dng").write_bytes(raw_bytes()[:1500])
    local = rawback("render", "-r", "in", "-o", "local", cwd=tmp_path)
    assert local.returncode == 1
    command = [sys.executable, "-m", "rawback", "render", "-r", "in", "-o", "out", "--scheduler", address, "--json"]
    process = subprocess.Popen(command, cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while not list(tmp_path.glob("out/*.jpg")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
        assert process.poll() is None
    os.kill(workers[0].pid, signal.SIGKILL)
    said, errors = process.communicate(timeout=120)
    assert process.returncode == 1
    assert workers[0].wait() == -signal.SIGKILL
    lines = [json.loads(line) for line in said.splitlines()]
    assert sorted(Path(line["input"]).name for line in lines) == sorted(p.name for p in (tmp_path / "in").iterdir())
    assert [Path(line["input"]).name for line in lines if line["status"] == "failed"] == ["bad.dng"]
    assert b"16 done, 1 failed" in errors
    contents = [{p.name: p.read_bytes() for p in (tmp_path / name).glob("*.jpg")} for name in ("local", "out")]
    assert contents[0] == contents[1]
    assert len(contents[0]) == 16
    rawback("render", "-r", "in", "-o", "out", "--skip-existing", cwd=tmp_path)
    while leftovers(tmp_path):  # of the worker whose parent was killed, until it notices
        rawback("render", "-r", "in", "-o", "out", "--skip-existing", cwd=tmp_path)


def test_urls_in_and_out():
    """`memory://` lives in one process, so scheduler and workers are threads of this one."""
    import fsspec

    from rawback.batch import photos
    from rawback.options.batch import BatchOptions
    from rawback.options.files import FileOptions
    from rawback.options.recover import RecoverOptions
    from rawback.options.render import ArchiveOptions, RenderOptions

    memory = fsspec.filesystem("memory")
    for name in ("a.dng", "deep/b.dng", "notes.txt"):
        memory.pipe_file(f"/in/{name}", raw_bytes() if name.endswith("dng") else b"hello")
    local = distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=":0")
    with local, distributed.Client(local, set_as_default=False):
        options = BatchOptions(scheduler=local.scheduler_address, quiet=True)
        there = FileOptions(("memory://in",), "memory://out", recursive=True)
        assert photos.render(there, RenderOptions(), ArchiveOptions(), options) == 0
        assert photos.render(there, RenderOptions(), ArchiveOptions(), options) == 1  # they exist
        back = FileOptions(("memory://out",), "memory://back", recursive=True)
        assert photos.recover(back, RecoverOptions(), options) == 0
    assert memory.find("/out") == ["/out/a.jpg", "/out/deep/b.jpg"]
    assert memory.cat_file("/back/deep/b.dng").startswith(b"II*\0")


def test_no_scheduler_is_told(tmp_path, monkeypatch):
    from rawback.batch import dask as module
    from rawback.batch.plan import Task
    from rawback.batch.worker import Limits
    from rawback.errors import RawbackError, UsageError

    monkeypatch.setattr(module, "PATIENCE", 1)
    address = f"tcp://127.0.0.1:{free_port()}"
    with pytest.raises(RawbackError, match="no Dask scheduler answers"):
        list(module.run(None, [Task(tmp_path / "a", tmp_path / "b")], address, Limits()))
    with pytest.raises(UsageError, match="stays on this machine"):
        list(module.run(None, [Task(Path("-"), tmp_path / "b")], address, Limits()))
