"""The rule for what may be replaced: every kind of thing that can lie in a place, under every option."""

from __future__ import annotations

import os
import re
import shutil
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from scenes import Run
from small import foreign_jpeg, jpeg_bytes, raw_bytes

import rawback
from rawback import RecoverOptions, RenderOptions
from rawback.errors import RawbackError
from rawback.files import atomic, exchange, jpeg, publishing, raw, seal
from rawback.files.existing import examine
from rawback.files.paths import STREAM
from rawback.files.permission import Allowed
from rawback.files.recognition import Kind, classify
from rawback.files.replacement import Action, Source, decide
from rawback.options.option import as_text
from rawback.version import __version__

V0_1 = Path(__file__).parent / "data" / "v0.1"
LOSSLESS = RenderOptions(lossless=True)
posix = pytest.mark.skipif(os.name == "nt", reason="needs POSIX")


def kind(data: bytes) -> Kind:
    return classify(memoryview(data)).kind


def edited(data: bytes) -> bytes:
    """A JPEG with a comment."""
    return data[:2] + b"\xff\xfe\0\5abc" + data[2:]


def png() -> bytes:
    return rawback.render(raw.read(raw_bytes(), "small"), RenderOptions(), kind=".png").data


def test_what_a_file_is():
    photo, dng, picture = jpeg_bytes(), recovered(jpeg_bytes()), png()
    tiff16 = rawback.render(raw.read(raw_bytes(), "small"), RenderOptions(), kind=".tif").data
    assert [kind(data) for data in (photo, dng, picture, tiff16)] == [Kind.OWN] * 4
    assert [kind(data) for data in (edited(photo), dng + b"x", picture[:40] + b"x" + picture[41:])] == [Kind.EDITED] * 3
    assert [kind(data[: len(data) * 9 // 10]) for data in (photo, dng, picture)] == [Kind.HALF] * 3
    assert kind(photo[: len(photo) * 9 // 10] + bytes(len(photo) // 10)) is Kind.HALF  # copied into a file of its final size
    assert kind(b"") is Kind.EMPTY
    foreign = [foreign_jpeg(), raw_bytes(software="camera"), b"rawback", b"a drawback", b"\x89PNG\r\n\x1a\n" + bytes(99)]
    foreign += [foreign_jpeg() + photo, b"PK" + photo, seal.TEXT.encode(), seal.mark({"Options": "x"}).encode()]
    assert [kind(data) for data in foreign] == [Kind.FOREIGN] * len(foreign)


def recovered(photo: bytes, **options: bool) -> bytes:
    from rawback.files import photo as photos
    from rawback.recovering import from_photo

    return b"".join(from_photo(photos.read(photo, "photo"), "photo", RecoverOptions(**options)).dng())


@pytest.mark.parametrize("name", [path.name for path in V0_1.glob("*.jpg") if path.name != "saved_again.jpg"])
def test_jpegs_of_the_first_release_are_known(name: str):
    """They have no seal: the picture is as its hash says, and nobody has added metadata."""
    data = (V0_1 / name).read_bytes()
    found = classify(memoryview(data))
    assert found.kind is Kind.OWN
    assert found.archive == ("lossless" in name)
    assert bool(found.frame) == found.archive
    assert kind(edited(data)) is Kind.EDITED
    assert kind(data.replace(b'rawback:Curve="bt709"', b'rawback:Curve="srgb" ')) is Kind.EDITED or b'"bt709"' not in data
    assert kind(data[:-40]) is Kind.HALF


def test_other_files_of_the_first_release_are_taken_for_foreign():
    assert kind((V0_1 / "saved_again.jpg").read_bytes()) is Kind.EDITED
    assert [kind((V0_1 / name).read_bytes()) for name in ("clip.mov", "clip.mkv", "look.json")] == [Kind.FOREIGN] * 3


def test_dngs_of_the_first_release_are_known_by_their_software_and_history():
    assert kind(raw_bytes(software="rawback 0.1.0")) is Kind.OWN
    assert kind(raw_bytes(software="rawback make_sample")) is Kind.FOREIGN
    assert kind(raw_bytes(software="rawback 0.1.0 and more")) is Kind.FOREIGN


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes | Callable[[Path], object] | None]:
    """What may lie in the place of the JPEG of RAW number 1, by name."""
    folder = tmp_path_factory.mktemp("world")
    own, archive = jpeg_bytes(1), jpeg_bytes(1, lossless=True)
    return {
        "nothing": None, "empty": b"", "same": own, "other options": jpeg_bytes(1, quality=90), "other RAW": jpeg_bytes(2),
        "half": own[:-500], "half of other RAW": jpeg_bytes(2)[:-500], "edited": edited(own),
        "edited of other RAW": edited(jpeg_bytes(2)), "archive": archive, "archive of other RAW": jpeg_bytes(2, lossless=True),
        "edited archive of other RAW": edited(jpeg_bytes(2, lossless=True)), "foreign": foreign_jpeg(),
        "old": unsealed(own), "old archive": unsealed(archive),
        "old archive of other RAW": unsealed(jpeg_bytes(2, lossless=True)),
        "dangling link": lambda path: path.symlink_to("nowhere"),
        "link to foreign": lambda path: ((folder / "f").write_bytes(foreign_jpeg()), path.symlink_to(folder / "f")),
        "folder": Path.mkdir, "pipe": os.mkfifo,
    }  # fmt: skip


def unsealed(data: bytes) -> bytes:
    """As release 0.1.0 would have written it."""
    from rawback.files import recipe_xmp
    from rawback.files.jpeg_file import APP1, XMP, JpegFile, segment

    file = JpegFile(data)
    part = next(part for part in file.segments if part.payload[: len(XMP)] == XMP)
    fields = {k: v for k, v in jpeg.recipe_fields(file).items() if k not in ("Seal", "SourceSha256", "MosaicSha256", "Options")}
    return data[: part.start] + segment(APP1, XMP + recipe_xmp.build(fields)) + data[part.stop :]


W, R, S, P = "write", "replace", "skip", "pour"
X, E, F, A, N, D, L = "exists", "was edited", "did not make", "last bit", "another file", "is a folder", "is a link to nowhere"
PLAIN, FORCE, SKIP = Allowed(), Allowed(force=True), Allowed(skip_existing=True)
FOREIGN, ARCHIVE = Allowed(replace_foreign=True), Allowed(replace_archive=True)
ALL = Allowed(force=True, replace_foreign=True, replace_archive=True)
TABLE = {
    #                               PLAIN FORCE SKIP FOREIGN ARCHIVE ALL
    "nothing":                     (W, W, W, W, W, W),
    "empty":                       (X, R, R, X, R, R),
    "same":                        (X, R, S, X, X, R),
    "other options":               (X, R, R, X, X, R),
    "other RAW":                   (X, R, N, X, X, R),
    "half":                        (X, R, R, X, X, R),
    "half of other RAW":           (X, R, N, X, X, R),
    "edited":                      (E, E, S, R, E, R),
    "edited of other RAW":         (E, E, E, R, E, R),
    "archive":                     (X, R, R, X, X, R),
    "archive of other RAW":        (X, A, A, X, R, R),
    "edited archive of other RAW": (E, E, E, A, E, R),
    "foreign":                     (F, F, F, R, F, R),
    "old":                         (X, R, S, X, X, R),
    "old archive":                 (X, R, S, X, X, R),
    "old archive of other RAW":    (X, A, A, X, R, R),
    "dangling link":               (L, R, L, R, L, R),
    "link to foreign":             (F, R, F, R, F, R),
    "folder":                      (D, D, D, D, D, D),
    "pipe":                        (P, P, P, P, P, P),
}  # fmt: skip
"""By what lies there: what is done, or what is said where nothing is."""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "raw.dng").write_bytes(raw_bytes(1))
    os.utime(tmp_path / "raw.dng", (1e9, 1e9))
    return tmp_path / "raw.dng"


@posix
@pytest.mark.parametrize("number", range(6))
@pytest.mark.parametrize("there", TABLE)
def test_the_rule(world, source: Path, tmp_path: Path, there: str, number: int):
    target, expected = tmp_path / "raw.jpg", TABLE[there][number]
    put(target, world[there])
    allowed = (PLAIN, FORCE, SKIP, FOREIGN, ARCHIVE, ALL)[number]
    try:
        found = decide(target, allowed, Source(source, as_text(RenderOptions()))).action.value
    except RawbackError as error:
        found = str(error)
        assert found.startswith(str(target)) and "\n" not in found
    assert found == expected or (expected not in (W, R, S, P) and expected in found)


def put(target: Path, what: bytes | Callable[[Path], object] | None) -> None:
    if callable(what):
        what(target)
    elif what is not None:
        target.write_bytes(what)


@posix
@pytest.mark.parametrize("there", ["edited", "foreign", "archive of other RAW", "folder", "other RAW"])
def test_a_batch_names_what_it_leaves_and_does_the_rest(world, source: Path, tmp_path: Path, run: Run, there: str):
    put(tmp_path / "raw.jpg", world[there])
    (tmp_path / "second.dng").write_bytes(raw_bytes(3))
    before = (tmp_path / "raw.jpg").read_bytes() if there != "folder" else b""
    code, _, errors = run("render", "raw.dng", "second.dng", "--skip-existing", "-j", "1")
    assert code == (0 if there in ("edited", "foreign") else 1)
    assert len(re.findall(r"\braw\.jpg", errors)) == 1
    assert there != "foreign" or examine(tmp_path / "raw_raw.jpg").kind is Kind.OWN
    assert examine(tmp_path / "second.jpg").kind is Kind.OWN
    assert there == "folder" or (tmp_path / "raw.jpg").read_bytes() == before


def test_what_does_not_say_of_which_raw_is_skipped_if_it_is_not_older(world, source: Path, tmp_path: Path):
    put(tmp_path / "raw.jpg", world["old"])
    os.utime(tmp_path / "raw.jpg", (1e9 - 1, 1e9 - 1))
    with pytest.raises(RawbackError, match="does not say of which file"):
        decide(tmp_path / "raw.jpg", SKIP, Source(source))


def test_standard_input_cannot_be_compared(world, tmp_path: Path):
    put(tmp_path / "raw.jpg", world["same"])
    with pytest.raises(RawbackError, match="read only once"):
        decide(tmp_path / "raw.jpg", SKIP, Source(STREAM))


def test_a_raw_with_other_metadata_is_the_same(world, source: Path, tmp_path: Path):
    put(tmp_path / "raw.jpg", world["archive of other RAW"])
    source.write_bytes(raw_bytes(2, software="another"))
    assert decide(tmp_path / "raw.jpg", FORCE, Source(source)).action is Action.REPLACE
    put(tmp_path / "raw.jpg", world["other RAW"])
    assert decide(tmp_path / "raw.jpg", SKIP, Source(source)).action is Action.SKIP


def test_a_raw_that_is_swapped_while_it_is_looked_at_is_no_proof(world, source: Path, tmp_path: Path):
    put(tmp_path / "raw.jpg", world["archive"])
    known = Source(source)
    assert known.sha256
    source.write_bytes(raw_bytes(2))
    with pytest.raises(RawbackError, match="changed meanwhile"):
        assert known.content


def test_an_archive_is_not_replaced_by_the_picture_of_a_raw_that_was_swapped(world, source, tmp_path, monkeypatch):
    """Between the decision, which found the archive's own RAW, and the reading of the RAW."""
    from rawback.batch import worker
    from rawback.batch.jobs import Render
    from rawback.batch.plan import Task

    put(tmp_path / "raw.jpg", world["archive"])
    decided = worker.decide

    def swap(task):
        decision = decided(task)
        source.write_bytes(raw_bytes(2))
        return decision

    monkeypatch.setattr(worker, "decide", swap)
    outcome = worker.perform(Render(RenderOptions()), Task(source, tmp_path / "raw.jpg", FORCE), lambda share: None)
    assert "changed meanwhile" in outcome.error
    assert (tmp_path / "raw.jpg").read_bytes() == world["archive"]


def test_another_attempt_knows_its_own_output(world, source: Path, tmp_path: Path):
    """A worker of a cluster may be lost after its file has got its name."""
    put(tmp_path / "raw.jpg", world["same"])
    assert decide(tmp_path / "raw.jpg", PLAIN, Source(source), vacant=True).action is Action.SKIP
    put(tmp_path / "raw.jpg", world["other RAW"])
    with pytest.raises(RawbackError, match="exists already"):
        decide(tmp_path / "raw.jpg", PLAIN, Source(source), vacant=True)


def test_recovered_files_are_skipped_by_what_they_were_made_of(run: Run, tmp_path: Path):
    (tmp_path / "a.jpg").write_bytes(jpeg_bytes(1))
    first = run("recover", "a.jpg")
    assert first[0] == 0
    made = (tmp_path / "a.dng").stat().st_mtime_ns
    assert run("recover", "a.jpg", "--skip-existing")[0] == 0
    assert (tmp_path / "a.dng").stat().st_mtime_ns == made
    assert run("recover", "a.jpg", "--skip-existing", "--no-compress")[0] == 0
    assert examine(tmp_path / "a.dng").options == "compress=False"
    (tmp_path / "a.jpg").write_bytes(jpeg_bytes(2))
    code, _, errors = run("recover", "a.jpg", "--skip-existing")
    assert code == 1 and "made of another file" in errors


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A place with something in it, and afterwards no temporary file beside it."""
    (tmp_path / "a").write_bytes(b"old")
    yield tmp_path / "a"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_what_is_approved_is_replaced(place: Path):
    atomic.save(place, [b"new"], approved=lambda path: path.read_bytes() == b"old")
    assert place.read_bytes() == b"new"


def test_what_is_not_approved_any_more_stays(place: Path):
    with pytest.raises(RawbackError, match="exists already"):
        atomic.save(place, [b"new"], approved=lambda path: path.read_bytes() == b"older")
    assert place.read_bytes() == b"old"


@pytest.mark.skipif(not exchange._renameat2(), reason="needs renameat2")
def test_what_takes_the_place_in_the_last_moment_gets_it_back(place: Path):
    looks = []

    def approved(path: Path) -> bool:
        looks.append(path)
        if len(looks) == 1:
            assert path.read_bytes() == b"old"
            path.unlink()
            path.write_bytes(b"foreign")
            return True
        return path.read_bytes() == b"old"

    with pytest.raises(RawbackError, match="exists already"):
        atomic.save(place, [b"new"], approved=approved)
    assert place.read_bytes() == b"foreign"
    assert len(looks) == 2


def test_what_is_approved_and_gone_is_no_obstacle(place: Path):
    def approved(path: Path) -> bool:
        path.unlink()
        return True

    atomic.save(place, [b"new"], approved=approved)
    assert place.read_bytes() == b"new"


def test_the_same_bytes_are_no_obstacle(place: Path):
    atomic.save(place, [b"old"])
    with pytest.raises(RawbackError, match="exists already"):
        atomic.save(place, [b"new"])


def test_where_names_cannot_be_swapped_the_last_look_is_before(place: Path, monkeypatch):
    monkeypatch.setattr(exchange, "renamed", lambda *names: False)
    monkeypatch.setattr(os, "link", lambda *names: (_ for _ in ()).throw(OSError(1, "no links here")))
    atomic.save(place, [b"new"], approved=lambda path: True)
    with pytest.raises(RawbackError, match="exists already"):
        atomic.save(place, [b"newer"])
    assert place.read_bytes() == b"new"


@posix
def test_what_a_killed_run_left_between_two_names_goes_only_if_it_can_be_made_again(world, tmp_path: Path):
    names = [f"{atomic.PREFIX}{atomic.HOST}-{name}-4194305{publishing.SWAPPED}" for name in ("own", "archive", "foreign")]
    for name, what in zip(names, ("same", "archive", "foreign"), strict=True):
        (tmp_path / name).write_bytes(world[what])
    ours = tmp_path / f"{atomic.PREFIX}{atomic.HOST}-own-{os.getpid()}{publishing.SWAPPED}"
    ours.write_bytes(world["same"])
    assert atomic.sweep([tmp_path]) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*names[1:], ours.name])


@posix
def test_a_device_is_written_into_and_stays(source: Path, tmp_path: Path, run: Run):
    assert run("render", source, "-o", "/dev/null")[0] == 0
    assert run("render", source, "-o", "/dev/null", "--force")[0] == 0
    assert not Path("/dev/null").is_file()


@posix
def test_a_pipe_takes_the_file(source: Path, tmp_path: Path, command):
    import threading

    os.mkfifo(tmp_path / "pipe")
    taken = []
    reader = threading.Thread(target=lambda: taken.append((tmp_path / "pipe").read_bytes()), daemon=True)
    reader.start()
    assert command("render", source, "-o", "pipe", "--force").returncode == 0
    reader.join(10)
    assert kind(taken[0]) is Kind.OWN
    assert (tmp_path / "pipe").is_fifo()


@posix
@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_standard_output_by_other_names(source: Path, command, name: str):
    done = command("render", source, "-o", name)
    assert done.returncode == 0, done.stderr
    assert kind(done.stdout) is Kind.OWN


@posix
def test_sockets_and_disks_are_refused(tmp_path: Path, source: Path):
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
        with pytest.raises(RawbackError, match="is a socket or a disk"):
            decide(tmp_path / "socket", ALL, Source(source))


@posix
@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root reads everything")
def test_what_cannot_be_read_stays(tmp_path: Path, source: Path):
    (tmp_path / "a.jpg").write_bytes(b"x")
    (tmp_path / "a.jpg").chmod(0)
    with pytest.raises(RawbackError, match="cannot be read"):
        decide(tmp_path / "a.jpg", ALL, Source(source))


def test_urls_follow_the_rule(world, source: Path):
    fsspec = pytest.importorskip("fsspec")
    from rawback.files.url import Url

    memory = fsspec.filesystem("memory")
    for there, row in TABLE.items():
        what = world[there]
        if callable(what) or "old" in there:
            continue
        target = Url(f"memory://rule/{there}.jpg")
        if what is not None:
            memory.pipe_file(f"/rule/{there}.jpg", what)
        for allowed, expected in zip((PLAIN, FORCE, SKIP, FOREIGN, ARCHIVE, ALL), row, strict=True):
            try:
                found = decide(target, allowed, Source(source)).action.value
            except RawbackError as error:
                found = str(error)
            assert expected in found, (there, allowed)
    late = Url("memory://rule/late.jpg")
    decision = decide(late, FORCE, Source(source))
    memory.pipe_file("/rule/late.jpg", world["foreign"])
    with pytest.raises(RawbackError, match="exists already"):
        late.write([b"new"], decision.approved)
    assert memory.cat_file("/rule/late.jpg") == world["foreign"]


def test_a_url_is_not_written_over_itself():
    fsspec = pytest.importorskip("fsspec")
    from rawback.batch import photos
    from rawback.options.batch import BatchOptions
    from rawback.options.files import FileOptions
    from rawback.options.render import ArchiveOptions

    memory = fsspec.filesystem("memory")
    memory.pipe_file("/self/a.dng", raw_bytes())
    for output in ("memory://self/a.dng", "memory:///self//a.dng"):
        files = FileOptions((("memory://self/a.dng"),), output.replace(".dng", ".jpg"), force=True, replace_foreign=True)
        memory.pipe_file("/self/a.jpg", raw_bytes())
        files = replace(files, inputs=("memory://self/a.jpg",))
        assert photos.render(files, RenderOptions(), ArchiveOptions(), BatchOptions(quiet=True)) == 1
        assert memory.cat_file("/self/a.jpg") == raw_bytes()


def test_file_urls_are_paths(source: Path, tmp_path: Path, run: Run):
    (tmp_path / "a.jpg").write_bytes(foreign_jpeg())
    code, _, errors = run("render", source, "-o", f"file://{tmp_path}/a.jpg", "--force")
    assert code == 1 and "did not make" in errors
    shutil.copy(source, tmp_path / "b.jpg")
    code, _, errors = run("render", f"file://{tmp_path}/b.jpg", "-o", tmp_path / "b.jpg", "--force", "--replace-foreign")
    assert code == 1 and "is the input itself" in errors


def test_strip_follows_the_rule(world, tmp_path: Path, run: Run):
    (tmp_path / "own.jpg").write_bytes(world["same"])
    assert run("strip", "own.jpg")[0] == 0
    assert run("strip", "own.jpg")[0] == 0  # it is there, byte for byte
    (tmp_path / "own.stripped.jpg").write_bytes(foreign_jpeg())
    assert run("strip", "own.jpg", "--force")[0] == 1
    assert (tmp_path / "own.stripped.jpg").read_bytes() == foreign_jpeg()
    (tmp_path / "archive.jpg").write_bytes(world["archive"])
    assert run("strip", "own.jpg", "-o", "archive.jpg", "--force")[0] == 1
    assert (tmp_path / "archive.jpg").read_bytes() == world["archive"]
    assert run("strip", "own.jpg", "-o", "own.stripped.jpg", "--replace-foreign")[0] == 0


def test_reports_and_cards_follow_the_rule(source: Path, tmp_path: Path, run: Run):
    for name in ("a.html", "a.json"):
        (tmp_path / name).write_bytes(b'<meta name="generator" content="rawback">')
    assert run("evaluate", source, "--crop", "128", "--report", "a.html")[0] == 2
    assert run("calibrate", source, "-o", "a.json", "--force")[0] == 1
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "a.json").read_bytes()


@pytest.mark.parametrize(
    ("verb", "name"), [("render", "x.webp"), ("render", "x.dng"), ("recover", "x.tif"), ("recover", "x.jpg")]
)
def test_names_that_promise_another_format_are_refused(source: Path, tmp_path: Path, run: Run, verb: str, name: str):
    code, _, errors = run(verb, source, "-o", name)
    assert code == 2 and errors.count("\n") == 1 and "promises" in errors
    assert not (tmp_path / name).exists()


def test_dry_run_says_what_would_happen(world, source: Path, tmp_path: Path, run: Run):
    def said(*options: str) -> str:
        errors = run("render", source, "--dry-run", *options)[2]
        return errors.replace(str(tmp_path) + os.sep, "")

    assert said() == "rawback: raw.dng would become raw.jpg\n"
    assert said("--keep", "lossless", "--delete-original") == (
        "rawback: raw.dng would become raw.jpg\n"
        "rawback: raw.dng would be deleted, if raw.jpg is proved to restore all of it\n"
    )  # fmt: skip
    put(tmp_path / "raw.jpg", world["same"])
    assert "exists already" in said()
    assert "would be passed by" in said("--skip-existing")
    assert "replacing rawback's own" in said("--force")
    put(tmp_path / "raw.jpg", world["edited"])
    assert "is passed by" in said("--skip-existing")
    assert "was edited" in said("--force")
    (tmp_path / "raw.jpg").unlink()
    source.rename(tmp_path / "real.dng")
    source.symlink_to("real.dng")
    assert "would be kept: it is a link to real.dng" in said("--keep", "lossless", "--delete-original")


def test_what_is_there_already_is_still_deleted_if_that_was_asked(world, source: Path, tmp_path: Path, run: Run):
    """A run that was cut off between the JPEG and the deletion is gone on with by the same command."""
    source.write_bytes(raw_bytes(1, software=f"rawback {__version__}"))
    assert run("render", source, "--keep", "lossless")[0] == 0
    assert source.exists()
    code, _, errors = run("render", source, "--keep", "lossless", "--skip-existing", "--delete-original")
    assert code == 0 and "is deleted" in errors
    assert not source.exists()
