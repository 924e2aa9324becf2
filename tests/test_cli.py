"""The command as a stranger calls it: one line for each error, the right exit code, no half-written file, no harm done."""

import hashlib
import io
import json
import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rawpy
from PIL import Image
from scenes import SAMPLE, SHARED, raw_file

import rawback
from rawback import RenderOptions, cli
from rawback.files import dng, jpeg, xmp
from rawback.recipe import to_fields

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """`run("render", path, ...)` in this process, in an empty folder: exit code, standard output and standard error."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["rawback", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return int(ended.value.code or 0), *capfd.readouterr()

    return call


@pytest.fixture(scope="module")
def small() -> tuple[bytes, bytes]:
    """A DNG of 120 x 88 photosites, and the JPEG rendered from it."""
    file = raw_file(88, 120)
    data = b"".join(dng.encode(file.mosaic, file.recipe, None, None))
    return data, rawback.render(file, RenderOptions(exposure=0.0)).data


@pytest.fixture
def files(small: tuple[bytes, bytes], tmp_path: Path) -> tuple[Path, Path]:
    """Both on disk, in a folder of their own."""
    folder = tmp_path / "in"
    folder.mkdir()
    paths = folder / "a.dng", folder / "b.jpg"
    for path, data in zip(paths, small, strict=True):
        path.write_bytes(data)
    return paths


def all_files(folder: Path) -> dict[str, str]:
    """Every file below a folder, hidden ones too, with the hash of its content."""
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.rglob("*") if p.is_file()}


def refused(result: tuple[int, str, str], says: str, code: int = 1) -> None:
    """One line, on standard error, that says why."""
    found, out, err = result
    assert (found, out) == (code, "")
    assert re.search(says, err) and "Traceback" not in err and "please report" not in err
    assert err.startswith("rawback: ") and err.count("\n") == 1 and len(err) < 600


def forged(data: bytes, **changes: str) -> bytes:
    """The JPEG with other values in its recipe."""
    photo = jpeg.read(data, "photo.jpg")
    old = xmp.build(to_fields(photo.recipe))
    new = xmp.build(to_fields(photo.recipe) | changes)
    at = data.index(old)
    length = (len(new) + len(jpeg.XMP) + 2).to_bytes(2, "big")
    return data[: at - len(jpeg.XMP) - 2] + length + jpeg.XMP + new + data[at + len(old) :]


BAD_RAW = {
    "empty.dng": (b"", "empty"),
    "text.CR2": (b"This is no photograph, whatever its name says.\n" * 40, "not a RAW"),
    "zeros.NEF": (bytes(100_000), "not a RAW"),
    "picture.png": (b"\x89PNG\r\n\x1a\n" + bytes(1000), "not a RAW"),
}
BAD_JPEG = {
    "empty.jpg": (b"", "empty"),
    "text.jpg": (b"This is no photograph, whatever its name says.\n" * 40, "expected a JPEG|not a"),
    "head.jpg": (b"\xff\xd8\xff", "cut short|damaged"),
    "zeros.jpg": (bytes(100_000), "expected a JPEG|not a"),
}
FORGED = {
    "White": "nan", "Black": "inf", "Width": "99999999", "Height": "-1", "Matrix": "1 0 0; 0 1 0; 0 0 0", "Neutral": "0 0 0",
    "CFAPattern": "0 1; 1 7", "Exposure": "1e300", "Thumbnail": "AAA", "Version": "9", "Curve": "no-such", "Orientation": "77",
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_RAW)
def test_what_is_no_raw(run: Run, tmp_path: Path, name: str):
    data, says = BAD_RAW[name]
    (tmp_path / name).write_bytes(data)
    before = all_files(tmp_path)
    refused(run("render", name, "-o", "out.jpg"), says)
    refused(run("info", name), says + "|neither")
    assert all_files(tmp_path) == before


@pytest.mark.parametrize("name", BAD_JPEG)
def test_what_is_no_jpeg(run: Run, tmp_path: Path, name: str):
    data, says = BAD_JPEG[name]
    (tmp_path / name).write_bytes(data)
    before = all_files(tmp_path)
    refused(run("recover", name, "-o", "out.dng"), says)
    assert all_files(tmp_path) == before


def test_a_jpeg_is_no_raw_and_a_raw_no_jpeg(run: Run, files: tuple[Path, Path]):
    refused(run("render", files[1], "-o", "out.jpg"), "rawback recover")
    refused(run("recover", files[0], "-o", "out.dng"), "rawback render|expected a JPEG")


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9, 0.99])
def test_truncated_files(run: Run, files: tuple[Path, Path], tmp_path: Path, share: float):
    for path in files:
        path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    before = all_files(tmp_path)
    refused(run("render", files[0], "-o", "out.jpg"), "cut short|not a RAW|damaged|LibRaw")
    refused(run("recover", files[1], "-o", "out.dng"), "cut short|damaged")
    assert all_files(tmp_path) == before


@pytest.mark.skipif(not SHARED.is_dir(), reason="no real photographs beside the project (../shared/data)")
def test_a_real_raw_cut_short_and_one_that_is_no_mosaic(run: Run, tmp_path: Path):
    source = SHARED / "raw" / "canon_powershot_s40_0104.CRW"
    for share in (0.001, 0.5, 0.97):
        (tmp_path / "cut.CRW").write_bytes(source.read_bytes()[: int(share * source.stat().st_size)])
        refused(run("render", "cut.CRW"), "cut.CRW")
    refused(run("render", SHARED / "raw" / "canon_6d_linear_not_bayer.dng", "-o", "x.jpg"), "no mosaic")
    assert set(all_files(tmp_path)) == {"cut.CRW"}


@pytest.mark.parametrize("name", FORGED)
def test_forged_recipes(run: Run, small: tuple[bytes, bytes], tmp_path: Path, name: str):
    (tmp_path / "forged.jpg").write_bytes(forged(small[1], **{name: FORGED[name]}))
    for command in (("recover", "forged.jpg", "-o", "out.dng"), ("info", "forged.jpg")):
        if command[0] == "info" and name == "Curve":
            continue
        refused(run(*command), "recipe inside")
    assert set(all_files(tmp_path)) == {"forged.jpg"}


def test_a_recipe_for_a_picture_of_another_size_is_not_followed(run: Run, small: tuple[bytes, bytes], tmp_path: Path):
    (tmp_path / "forged.jpg").write_bytes(forged(small[1], Width="65500", Height="65500"))
    code, _, err = run("recover", "forged.jpg")
    assert code == 0 and "edited" in err
    with rawpy.imread("forged.dng") as raw:
        assert max(raw.raw_image.shape) < 200


def test_missing_files_folders_and_places_that_cannot_be_written(run: Run, files: tuple[Path, Path], tmp_path: Path):
    raw, photo = files
    before = all_files(tmp_path)
    refused(run("render", "no-such.CR2"), "no-such.CR2")
    refused(run("recover", "no-such.jpg"), "no-such.jpg")
    refused(run("info", "no-such.jpg"), "no-such.jpg")
    assert run("render", raw.parent, "-o", "out.jpg")[0] in (1, 2)
    assert run("recover", raw.parent, "-o", "out.dng")[0] in (1, 2)
    refused(run("info", raw.parent), "folder")
    refused(run("render", raw, "-o", photo / "x.jpg"), "cannot be (written|made)")
    refused(run("recover", photo, "-o", raw / "x.dng"), "cannot be (written|made)")
    refused(run("render", raw, "-o", "/proc/x.jpg"), "cannot be (written|made)")
    for command, source, target in (
        ("render", raw, f"{'x' * 300}.jpg"),
        ("recover", photo, f"{'x' * 300}.dng"),
        ("render", "y" * 300, "x.jpg"),
    ):
        refused(run(command, source, "-o", target), "too long")
    assert all_files(tmp_path) == before


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder(run: Run, files: tuple[Path, Path], tmp_path: Path):
    folder = tmp_path / "fixed"
    folder.mkdir(mode=0o555)
    refused(run("render", files[0], "-o", folder / "out.jpg"), "Permission denied")
    assert list(folder.iterdir()) == []


def test_nothing_is_written_over(run: Run, files: tuple[Path, Path], tmp_path: Path):
    """Neither the input, by whatever name, nor an output that exists, without --force."""
    raw, photo = files
    (tmp_path / "link.jpg").symlink_to(photo)
    before = all_files(tmp_path)
    refused(run("render", raw, "-o", raw), "input itself")
    refused(run("recover", photo, "-o", photo, "--force"), "input itself")
    refused(run("recover", "link.jpg", "-o", photo, "--force"), "input itself")
    refused(run("render", raw, "-o", photo), "exists already")
    assert all_files(tmp_path) == before
    assert run("render", raw, "-o", photo, "--force", "--quality", "70")[0] == 0
    assert all_files(tmp_path)["in/a.dng"] == before["in/a.dng"] and all_files(tmp_path)["in/b.jpg"] != before["in/b.jpg"]


def test_beside_the_input_into_a_folder_and_by_name(run: Run, files: tuple[Path, Path], tmp_path: Path):
    raw, photo = files
    (tmp_path / "out").mkdir()
    assert run("recover", photo)[0] == 0 and (tmp_path / "in" / "b.dng").is_file()
    assert run("render", raw, "-o", "out")[0] == 0 and (tmp_path / "out" / "a.jpg").is_file()
    assert run("render", raw, "-o", "picture.JPG")[0] == 0
    assert run("render", raw, "-o", "picture.tif")[0] == 0 and run("render", raw, "-o", "picture.png")[0] == 0
    assert (tmp_path / "picture.tif").read_bytes()[:4] == b"II*\0" and (tmp_path / "picture.png").read_bytes()[1:4] == b"PNG"
    assert not [name for name in all_files(tmp_path) if ".part" in name or ".rawback" in name]


def test_several_files_one_of_them_bad(command, small: tuple[bytes, bytes], tmp_path: Path):
    """The good ones are done, the bad one is named, the exit code is 1, --json tells it file by file."""
    for name, data in (("a.dng", small[0]), ("b.dng", small[0][:3000]), ("c.dng", small[0])):
        (tmp_path / name).write_bytes(data)
    found = command("render", "a.dng", "b.dng", "c.dng", "-o", "out", "--json")
    assert found.returncode == 1 and b"Traceback" not in found.stderr
    lines = {line["input"]: line["status"] for line in map(json.loads, found.stdout.splitlines())}
    assert lines == {"a.dng": "done", "b.dng": "failed", "c.dng": "done"}
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["a.jpg", "c.jpg"]


def test_pipes(command, small: tuple[bytes, bytes]):
    found = command("render", "-", "-o", "-", "--exposure", "0", stdin=small[0])
    assert found.returncode == 0 and found.stdout[:3] == b"\xff\xd8\xff"
    back = command("recover", "-", "-o", "-", stdin=found.stdout)
    assert back.returncode == 0
    with rawpy.imread(io.BytesIO(back.stdout)) as raw:
        assert raw.raw_image_visible.shape == (88, 120)
    broken = command("recover", "-", "-o", "-", stdin=found.stdout[:500])
    assert (broken.returncode, broken.stdout) == (1, b"") and broken.stderr.count(b"\n") == 1


@pytest.mark.parametrize("arguments", [
    ["render"], ["recover"], ["no-such-command"], ["render", "--no-such-option", "a.dng"],
    ["render", "a.dng", "--quality", "x"], ["render", "a.dng", "--quality", "0"], ["render", "a.dng", "--quality", "101"],
    ["render", "a.dng", "--subsampling", "4:4:1"], ["render", "a.dng", "--tables", "mine"],
    ["render", "a.dng", "--exposure", "bright"], ["render", "a.dng", "--exposure", "nan"],
    ["render", "a.dng", "--exposure", "99"], ["render", "a.dng", "--effort", "none"], ["render", "-"], ["recover", "-"],
    ["render", "-", "a.dng", "-o", "out"], ["render", "a.dng", "b.dng", "-o", "one.jpg"],
    ["render", "a.dng", "b.dng", "-o", "-"], ["render", "a.dng", "a.dng"], ["render", "x/a.dng", "y/a.dng", "-o", "out"],
    ["render", "a.dng", "--jobs", "-1"], ["evaluate", "a.dng", "--quality", "nan"],
    ["evaluate", "a.dng", "--quality", ""], ["evaluate", "a.dng", "--quality", "300"],
], ids=" ".join)  # fmt: skip
def test_usage_errors_exit_2(run: Run, small: tuple[bytes, bytes], tmp_path: Path, arguments: list[str]):
    for name in ("a.dng", "b.dng"):
        (tmp_path / name).write_bytes(small[0])
    before = all_files(tmp_path)
    code, _, err = run(*arguments)
    assert code == 2 and err and "Traceback" not in err
    assert all_files(tmp_path) == before


def test_subsampling_may_be_written_without_colons(run: Run, files: tuple[Path, Path]):
    assert run("render", files[0], "-o", "a.jpg", "--subsampling", "444", "-q")[::2] == (0, "")
    assert json.loads(run("info", "a.jpg", "--json")[1])["subsampling"] == "4:4:4"


def test_info_says_what_a_file_is(run: Run, sample_file: Path, small: tuple[bytes, bytes], tmp_path: Path):
    code, out, err = run("info", sample_file, "--json")
    facts = json.loads(out)
    assert (code, err) == (0, "") and facts["state"] == "untouched" and facts["rendered_by_rawback"] is True
    assert (facts["width"], facts["height"], facts["camera"]) == (1800, 1200, "rawback Sample 1")
    assert facts["recipe"]["CFAPattern"] == "0 1; 1 2" and "Thumbnail" not in facts["recipe"]
    raw_facts = json.loads(run("info", SAMPLE, "--json")[1])
    assert raw_facts["kind"] == "RAW" and raw_facts["recipe"]["White"] == "4095"
    Image.fromarray(np.zeros((40, 60, 3), np.uint8)).save(tmp_path / "foreign.jpg")
    foreign = json.loads(run("info", "foreign.jpg", "--json")[1])
    assert foreign["state"] == "foreign" and foreign["rendered_by_rawback"] is False
    text = run("info", sample_file, SAMPLE)[1]
    assert "untouched" in text and "4:2:0" in text and "rawback Sample 1" in text


def test_the_user_is_told_which_kind_of_jpeg_it_was(run: Run, small: tuple[bytes, bytes], tmp_path: Path):
    (tmp_path / "ours.jpg").write_bytes(small[1])
    Image.fromarray(np.full((64, 80, 3), 90, np.uint8)).save(tmp_path / "foreign.jpg")
    with Image.open(io.BytesIO(small[1])) as picture:
        picture.save(tmp_path / "again.jpg", quality=90, xmp=picture.info["xmp"])
        picture.crop((0, 0, 80, 64)).save(tmp_path / "cropped.jpg", quality=90, xmp=picture.info["xmp"])
    said = {name: run("recover", f"{name}.jpg")[2] for name in ("ours", "again", "cropped", "foreign")}
    assert "untouched" in said["ours"] and "saved again" in said["again"]
    assert "edited" in said["cropped"] and "not rendered by rawback" in said["foreign"]
    assert all(Path(f"{name}.dng").is_file() for name in said)
    assert run("recover", "ours.jpg", "--force", "--quiet")[::2] == (0, "")


def test_help_version_and_cameras(run: Run):
    assert run("--version")[:2] == (0, f"rawback {rawback.__version__}\n")
    assert run("-h")[0] == 0 and "recover" in run("--help")[1]
    assert run("render", "-h")[0] == 0
    assert run("cameras")[0] == 0 and isinstance(json.loads(run("cameras", "--json")[1]), list)


def test_the_readme_begins_with_what_works(command, tmp_path: Path):
    """Its first command, from the installed package on."""
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    line = next(line for line in readme.splitlines() if line.startswith("python -m pip install .") and "render" in line)
    for part in line.split(" && ")[1:]:
        words = part.removeprefix("rawback ").replace("tests/data/sample.dng", str(SAMPLE)).split()
        assert command(*words).returncode == 0
    with rawpy.imread(str(tmp_path / "sample.dng")) as back, rawpy.imread(str(SAMPLE)) as original:
        error = back.raw_image_visible.astype(float) - original.raw_image_visible
        assert np.sqrt(np.mean(error**2)) < 0.003 * (4095 - 256)


def test_a_real_raw_stays_as_it_is(command, tmp_path: Path):
    shutil.copy(SAMPLE, tmp_path / "sample.dng")
    (tmp_path / "sample.dng").chmod(0o444)
    before = all_files(tmp_path)
    assert command("render", "sample.dng").returncode == 0
    assert command("recover", "sample.jpg").returncode == 1
    assert {name: all_files(tmp_path)[name] for name in before} == before
