"""Folders, lists and pipes: which files are done, where results go, what is said, what the exit code is."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from small import ENVIRONMENT, RAWBACK, foreign_jpeg, is_whole, jpeg_bytes, leftovers, raw_bytes, raw_folder, rawback

from rawback import RenderOptions, rendering
from rawback.batch import batch
from rawback.batch.local import run as run_pool
from rawback.batch.plan import Task, tasks
from rawback.batch.worker import Limits, Product
from rawback.errors import RawbackError, UsageError
from rawback.files import file_type, paths
from rawback.options.batch import BatchOptions
from rawback.options.files import FileOptions


@dataclass(frozen=True)
class Copy:
    """A job that needs no picture: what the file says decides how it goes."""

    def __call__(self, source, target, progress) -> Product:
        data = paths.load(source)
        progress(0.5)
        if b"crash" in data:
            os.abort()
        if b"exit" in data:
            os._exit(3)
        if b"hang" in data:
            while True:
                pass
        if b"greedy" in data:
            bytearray(1 << 34)
        if b"bug" in data:
            raise ZeroDivisionError("division by zero")
        if b"bad" in data:
            raise RawbackError(f"{source} is bad")
        return Product([data], ["a note"], 1)


def plan(*inputs: object, output: object = None, **more) -> list[Task]:
    files = FileOptions(tuple(map(str, inputs)), None if output is None else str(output), **more)
    return tasks(files, ".jpg", "raw")


def targets(*inputs: object, **more) -> list[str]:
    return [str(task.target) for task in plan(*inputs, **more)]


def test_tree_is_mirrored_and_types_recognised_by_content(tmp_path):
    files = {"a/one.CR2": raw_bytes(1), "a/b/two": raw_bytes(2), "a/b/three.dng": foreign_jpeg(), "notes.txt": b"hello",
             "empty.dng": b"", ".hidden.dng": raw_bytes(3), "a/b/four.jpg": raw_bytes(4)}  # fmt: skip
    for name, data in files.items():
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(data)
    done = rawback("render", tmp_path / "in", "-o", tmp_path / "out", "-r")
    assert done.returncode == 0, done.stderr
    found = sorted(str(p.relative_to(tmp_path / "out")) for p in (tmp_path / "out").rglob("*") if p.is_file())
    assert found == ["a/b/four.jpg", "a/b/two.jpg", "a/one.jpg"]
    assert b"3 done" in done.stderr
    done = rawback("recover", tmp_path / "out", "-o", tmp_path / "back", "-r", "--json")
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert sorted(Path(line["output"]).name for line in lines) == ["four.dng", "one.dng", "two.dng"]
    assert all(line["status"] == "done" and is_whole(Path(line["output"])) for line in lines)


def test_include_and_exclude_match_names_and_paths(tmp_path):
    for name in ("2024/a.CR2", "2024/b.NEF", "2025/a.cr2"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(raw_bytes())

    def chosen(**patterns):
        return [t.source.relative_to(tmp_path).as_posix() for t in plan(tmp_path, recursive=True, **patterns)]

    assert chosen(include=("*.cr2",)) == ["2024/a.CR2", "2025/a.cr2"]
    assert chosen(include=("2024/*",), exclude=("*.nef",)) == ["2024/a.CR2"]
    assert chosen(exclude=("2024/*",)) == ["2025/a.cr2"]


def test_where_results_go(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("there").mkdir()
    assert targets("x/a.CR2") == ["x/a.jpg"]
    assert targets("x/a.CR2", output="b.jpg") == ["b.jpg"]
    assert targets("x/a.CR2", output="there") == ["there/a.jpg"]
    assert targets("x/a.CR2", output="new/") == ["new/a.jpg"]
    assert targets("x/a.CR2", "y/b.CR2", output="new") == ["new/a.jpg", "new/b.jpg"]
    assert targets("x/a.CR2", "y/a.CR2", output="new", recursive=True) == ["new/x/a.jpg", "new/y/a.jpg"]
    assert targets("../x/a.CR2", output="new", recursive=True) == ["new/a.jpg"]
    assert targets("memory://bucket/x/a.CR2", output="memory://other/y/") == ["memory://other/y/a.jpg"]


@pytest.mark.parametrize(
    ("inputs", "output", "says"),
    [
        (["a.CR2", "a.CR2"], "out", "named twice"),
        (["-", "a.CR2"], "out", "stands for one file"),
        (["a.CR2", "b.CR2"], "-", "stands for one file"),
        (["a.CR2", "b.CR2"], "c.jpg", "must be a folder"),
        (["-"], None, "say where the result goes"),
        (["."], "out", "add -r"),
        (["a.CR2"], "a.webp", "promises WebP"),
        (["a.CR2"], "a.NEF", "promises a camera's RAW"),
    ],
)
def test_what_cannot_be_is_refused_before_any_work(inputs, output, says):
    with pytest.raises(UsageError, match=says):
        plan(*inputs, output=output)


def test_outputs_inside_the_folder_are_not_inputs(tmp_path):
    raw_folder(tmp_path, 2)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "000.dng").write_bytes(raw_bytes())
    assert len(plan(tmp_path, output=tmp_path / "out", recursive=True)) == 2


def test_linked_folders_are_not_entered(tmp_path):
    raw_folder(tmp_path, 1)
    (tmp_path / "circle").symlink_to(tmp_path)
    assert len(plan(tmp_path, output="out", recursive=True)) == 1


def test_raw_and_jpeg_of_one_shot_do_not_collide(tmp_path, run):
    """Beside the pair, each would replace the other half: outputs step aside, and say so."""
    (tmp_path / "a.dng").write_bytes(raw_bytes(software="camera"))
    (tmp_path / "a.jpg").write_bytes(foreign_jpeg())
    before = {p: p.read_bytes() for p in tmp_path.iterdir()}
    assert run("render", tmp_path, "-r", "-o", tmp_path / "out")[0] == 0
    assert run("recover", tmp_path, "-r", "-o", tmp_path / "out")[0] == 0
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["a.dng", "a.jpg"]
    code, _, errors = run("render", tmp_path, "-r", "--exclude", "out/*")
    assert (code, "a.jpg stays" in errors, is_whole(tmp_path / "a_raw.jpg")) == (0, True, True)
    code, _, errors = run("recover", tmp_path, "-r", "--include", "a.jpg", "--exclude", "out/*")
    assert (code, "a.dng stays" in errors, is_whole(tmp_path / "a_recovered.dng")) == (0, True, True)
    assert {p: p.read_bytes() for p in before} == before


def test_skip_existing_does_what_is_missing(tmp_path):
    files = raw_folder(tmp_path / "in", 3)
    command = ("render", tmp_path / "in", "-r", "-o", tmp_path / "out", "--skip-existing", "--json")
    rawback(*command)
    (tmp_path / "out" / "000.jpg").unlink()
    os.utime(files[1], (4e9, 4e9))  # of no consequence: what counts is what the files hold
    done = rawback(*command)
    assert done.returncode == 0
    assert statuses(done) == {"000.dng": "done", "001.dng": "skipped", "002.dng": "skipped"}


def statuses(done) -> dict[str, str]:
    return {Path(line["input"]).name: line["status"] for line in map(json.loads, done.stdout.splitlines())}


def test_inputs_of_one_stem_fail_and_the_others_are_done(tmp_path):
    files = raw_folder(tmp_path / "in", 3)
    files[1].rename(tmp_path / "in" / "000.ORI")
    done = rawback("render", tmp_path / "in", "-r", "-o", tmp_path / "out", "--json")
    assert done.returncode == 1
    assert statuses(done) == {"000.dng": "failed", "000.ORI": "failed", "002.dng": "done"}
    assert done.stderr.count(b"would both become") == 2


def test_inputs_that_lead_to_one_place_through_a_link_fail(tmp_path):
    raw_folder(tmp_path / "real", 2)
    (tmp_path / "real" / "001.dng").rename(tmp_path / "real" / "000.nef")
    (tmp_path / "link").symlink_to("real")
    done = rawback("render", "real/000.dng", "link/000.nef", "--force", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.count(b"would both become") == 2
    assert not (tmp_path / "real" / "000.jpg").exists()


@pytest.mark.parametrize("names", [("e\u0301.dng", "\u00e9.nef"), ("A.dng", "a.nef")])
def test_names_that_some_disks_take_for_one_clash(tmp_path, names):
    for number, name in enumerate(names):
        (tmp_path / name).write_bytes(raw_bytes(number))
    assert all(task.problem for task in plan(*(tmp_path / name for name in names), output=tmp_path / "out"))


def test_one_file_by_two_names_is_done_once(tmp_path):
    raw_folder(tmp_path / "real", 1)
    (tmp_path / "link").symlink_to("real")
    done = rawback("render", "real/000.dng", "link/000.dng", cwd=tmp_path)
    assert done.returncode == 1
    assert b"link/000.dng is real/000.dng by another name" in done.stderr
    assert is_whole(tmp_path / "real" / "000.jpg")


def test_dry_run_writes_nothing(tmp_path):
    raw_folder(tmp_path / "in", 2)
    done = rawback("render", tmp_path / "in", "-r", "-o", tmp_path / "out", "--dry-run")
    assert done.returncode == 0
    assert b"001.jpg" in done.stderr
    assert not (tmp_path / "out").exists()


def run_copies(tmp_path, contents: dict[str, bytes], **manner) -> tuple[int, dict[str, dict]]:
    (tmp_path / "in").mkdir(exist_ok=True)
    for name, data in contents.items():
        (tmp_path / "in" / name).write_bytes(data)
    tasks = [Task(tmp_path / "in" / name, tmp_path / f"{name}.out") for name in contents]
    outcomes = run_pool(Copy(), tasks, 2, Limits(**manner), lambda task, share: None)
    return {task.source.name: outcome for task, outcome in outcomes}


def test_a_file_that_crashes_or_eats_memory_is_passed_over(tmp_path):
    contents = {"a": b"good", "b": b"crash", "d": b"greedy", "e": b"bug", "f": b"exit", "g": b"bad", "h": b"good"}
    outcomes = run_copies(tmp_path, contents, memory=2 << 30)
    assert {name for name, outcome in outcomes.items() if outcome.status == "done"} == {"a", "h"}
    assert "SIGABRT" in outcomes["b"].error
    assert "more memory" in outcomes["d"].error
    assert "ZeroDivisionError" in outcomes["e"].error
    assert [name for name, outcome in outcomes.items() if outcome.bug] == ["e"]
    assert "exit code 3" in outcomes["f"].error
    assert outcomes["g"].error.endswith("is bad")
    assert (tmp_path / "h.out").read_bytes() == b"good"
    assert not leftovers(tmp_path)


def test_a_file_that_hangs_is_given_up(tmp_path):
    outcomes = run_copies(tmp_path, {"a": b"hang"}, seconds=2.0)
    assert "longer than 2 s" in outcomes["a"].error
    assert not leftovers(tmp_path)


def test_a_crash_that_an_earlier_file_caused_is_not_blamed_on_the_next(tmp_path, monkeypatch):
    """A worker that dies over its second file is replaced, and the file tried again."""
    tasks = [Task(tmp_path / str(i), tmp_path / f"{i}.out") for i in range(4)]
    for task in tasks:
        task.source.write_bytes(b"good")
    outcomes = list(run_pool(DiesOverItsSecond(), tasks, 1, Limits(), lambda task, share: None))
    assert [outcome.status for _, outcome in outcomes] == ["done"] * 4


@pytest.mark.skipif(os.name == "nt", reason="needs SIGALRM")
def test_a_worker_that_hangs_does_not_outlive_its_parent_for_long(tmp_path):
    """Code in C may hold the interpreter, so that nothing in the process can notice that the parent is gone."""
    from rawback.batch import worker_process

    (tmp_path / "a").write_bytes(b"hang")
    process = worker_process._start(Copy(), Limits(seconds=1.0))
    worker_process._send(process.stdin, Task(tmp_path / "a", tmp_path / "b"))
    assert process.wait(120) == -signal.SIGALRM


def test_a_worker_whose_parent_is_gone_goes_quietly(tmp_path):
    reply = "import os, sys; from rawback.batch import worker; r, w = os.pipe(); os.close(r)\n"
    reply += "worker._reply(os.fdopen(w, 'wb'), {'share': 0.5}); sys.exit(9)"
    done = subprocess.run([sys.executable, "-c", reply], env=ENVIRONMENT, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


class DiesOverItsSecond:
    done = 0

    def __call__(self, source, target, progress) -> Product:
        self.done += 1
        if self.done == 2:
            os.abort()
        return Product([b"x"], [], 1)


def test_a_bad_file_makes_exit_code_1_and_the_others_are_done(tmp_path, capsys):
    files = raw_folder(tmp_path / "in", 3)
    files[1].write_bytes(files[1].read_bytes()[:1500])
    done = rawback("render", tmp_path / "in", "-r", "-o", tmp_path / "out", "--json")
    assert done.returncode == 1
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["000.jpg", "002.jpg"]
    failed = [line for line in map(json.loads, done.stdout.splitlines()) if line["status"] == "failed"]
    assert [Path(line["input"]).name for line in failed] == ["001.dng"]
    assert not failed[0]["bug"]
    assert b"2 done, 1 failed" in done.stderr


def test_one_file_stays_in_the_process(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(b"good")
    monkeypatch.setattr(batch.local, "run", None)
    assert batch.run(plan(tmp_path / "a", output=tmp_path / "b"), Copy(), BatchOptions(quiet=True)) == 0
    assert (tmp_path / "b").read_bytes() == b"good"


def test_lists_of_files(tmp_path):
    raw_folder(tmp_path / "in", 2)
    (tmp_path / "in" / "000.dng").rename(tmp_path / "in" / "with\nnewline.dng")
    found = subprocess.run(["find", "in", "-name", "*.dng", "-print0"], cwd=tmp_path, capture_output=True, check=True).stdout
    done = rawback("render", "-0", "--files-from", "-", "-o", "out", "-r", cwd=tmp_path, input=found)
    assert done.returncode == 0, done.stderr
    assert sorted(p.name for p in (tmp_path / "out/in").iterdir()) == ["001.jpg", "with\nnewline.jpg"]
    assert done.stdout == b""
    listed = tmp_path / "list"
    for data in (b"in/001.dng\n", *("in/001.dng\r\n".encode(encoding) for encoding in ("utf-8-sig", "utf-16"))):
        listed.write_bytes(data)
        assert targets(files_from=listed, output="other.jpg") == ["other.jpg"]
        assert [str(task.source) for task in plan(files_from=listed)] == ["in/001.dng"]
    listed.write_bytes(found)
    with pytest.raises(UsageError, match="add -0"):
        plan(files_from=listed)
    with pytest.raises(UsageError, match="cannot be read"):
        plan(files_from=tmp_path / "none")
    with pytest.raises(UsageError, match="not both"):
        plan("in/001.dng", files_from=listed)


def test_pipes_carry_the_file_and_nothing_else(tmp_path):
    render = rawback("render", "-", "-o", "-", input=raw_bytes())
    (tmp_path / "a.dng").write_bytes(raw_bytes())
    assert render.stdout == rendering.render(tmp_path / "a.dng", RenderOptions(exposure=None)).data  # the same options
    recover = rawback("recover", "-", "-o", "-", input=render.stdout)
    assert recover.returncode == 0
    assert file_type.of(recover.stdout) == "raw"
    assert recover.stdout.startswith(b"II*\0")


@pytest.mark.skipif(os.name == "nt", reason="no SIGPIPE")
@pytest.mark.parametrize("arguments", [("-o", "-"), ("-o", "out", "--json", "-r")])
def test_a_reader_that_goes_away_is_no_traceback(tmp_path, arguments):
    files = raw_folder(tmp_path / "in", 3)
    inputs = files[:1] if "-" in arguments else files
    command = [*RAWBACK, "render", *map(str, inputs), *arguments]
    process = subprocess.Popen(command, cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(60) == 1


def test_standard_output_takes_no_json_beside_the_file(tmp_path):
    done = rawback("render", "-", "-o", "-", "--json", input=raw_bytes())
    assert (done.returncode, done.stdout) == (2, b"")


def test_names_cannot_command_a_terminal(tmp_path):
    (tmp_path / "a\x1b[2Jb.dng").write_bytes(b"bad")
    done = rawback("render", tmp_path / "a\x1b[2Jb.dng")
    assert done.returncode == 1
    assert b"\x1b" not in done.stderr


def test_kinds_of_tiff(tmp_path):
    import io

    from PIL import Image

    stream = io.BytesIO()
    Image.new("RGB", (32, 32)).save(stream, "TIFF")
    assert file_type.of(stream.getvalue()) is None
    assert file_type.of(raw_bytes()) == "raw"
    assert file_type.of(jpeg_bytes()) == "jpeg"
    assert file_type.of(b"FUJIFILMCCD-RAW 0201FF383501") == "raw"
    assert file_type.of(b"\0\0\0\x18ftypcrx \0\0\0\1crx isom") == "raw"
    assert file_type.of(b"\x89PNG\r\n\x1a\n") is None
    assert file_type.of(b"") is None


def test_keys_of_an_object_store_do_not_lead_out_of_the_output_folder(monkeypatch):
    from pathlib import PurePosixPath

    from rawback.files.url import Url

    keys = ["a.dng", "b/../../evil.dng", "../evil.dng"]
    monkeypatch.setattr(Url, "is_dir", lambda self: self.text == "memory://bucket")
    monkeypatch.setattr(Url, "files", lambda self: [(self / key, PurePosixPath(key)) for key in keys])
    monkeypatch.setattr(Url, "head", lambda self, size: raw_bytes())
    tasks = plan("memory://bucket", output="out", recursive=True)
    assert [str(task.target) for task in tasks] == ["out/a.jpg"]


def test_jobs_by_default_are_as_many_as_cores_and_memory_allow(monkeypatch):
    monkeypatch.setattr(batch, "cores", lambda: 16)
    for memory, jobs in ((8 << 30, 8), (64 << 30, 16), (1 << 29, 1), (0, 16)):
        monkeypatch.setattr(batch, "memory", lambda memory=memory: memory)
        assert batch._default_jobs() == jobs


def test_what_cannot_be_read_is_not_passed_over(tmp_path, monkeypatch):
    from rawback.batch import inputs

    files = raw_folder(tmp_path, 2)

    def of_file(path):
        if path == files[0]:
            raise OSError(5, "Input/output error")
        return "raw"

    monkeypatch.setattr(file_type, "of_file", of_file)
    assert len(plan(tmp_path, output="out", recursive=True)) == 2
    with pytest.raises(RawbackError, match="cannot be searched"):
        list(inputs._walk(tmp_path / "gone", None))


@pytest.mark.parametrize("content", [b"bad", b"good"])
def test_folders_that_nothing_came_into_are_taken_away_again(tmp_path, content):
    (tmp_path / "a.CR2").write_bytes(content)
    (tmp_path / "there").mkdir()
    for place in (tmp_path / "new" / "deep" / "a.jpg", tmp_path / "there" / "a.jpg"):
        batch.run([Task(tmp_path / "a.CR2", place)], Copy(), BatchOptions(quiet=True))
        assert place.exists() == place.parents[0].joinpath("a.jpg").exists() == (content == b"good")
    assert (tmp_path / "there").is_dir() and (tmp_path / "new").exists() == (content == b"good")
