"""What cannot be done is refused: one line for each error, the right exit code, no half-written file, no harm done."""

import os
import re
from pathlib import Path

import pytest
import rawpy
from scenes import SHARED, Run, all_files

from rawback.files import jpeg, recipe_xmp, seal
from rawback.files.jpeg_file import XMP
from rawback.recipe_text import to_fields


def refused(result: tuple[int, str, str], says: str, code: int = 1) -> None:
    """One line, on standard error, that says why."""
    found, out, err = result
    assert (found, out) == (code, "")
    assert re.search(says, err) and "Traceback" not in err and "please report" not in err
    assert err.startswith("rawback: ") and err.count("\n") == 1 and len(err) < 600


def forged(data: bytes, **changes: str) -> bytes:
    """The JPEG with other values in its recipe."""
    photo = jpeg.read(data, "photo.jpg")
    fields = to_fields(photo.recipe) | {seal.NAME: seal.SEAL.search(data)[1].decode()}
    old, new = recipe_xmp.build(fields), recipe_xmp.build(fields | changes)
    at = data.index(old)
    length = (len(new) + len(XMP) + 2).to_bytes(2, "big")
    return data[: at - len(XMP) - 2] + length + XMP + new + data[at + len(old) :]


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
def test_a_real_raw_cut_short(run: Run, tmp_path: Path):
    source = SHARED / "raw" / "canon_powershot_s40_0104.CRW"
    for share in (0.001, 0.5, 0.97):
        (tmp_path / "cut.CRW").write_bytes(source.read_bytes()[: int(share * source.stat().st_size)])
        refused(run("render", "cut.CRW"), "cut.CRW")
    assert set(all_files(tmp_path)) == {"cut.CRW"}


@pytest.mark.parametrize("name", FORGED)
def test_forged_recipes(run: Run, small: tuple[bytes, bytes], tmp_path: Path, name: str):
    (tmp_path / "forged.jpg").write_bytes(forged(small[1], **{name: FORGED[name]}))
    for command in (("recover", "forged.jpg", "-o", "out.dng"), ("info", "forged.jpg")):
        if command[0] == "info" and name == "Curve":
            continue
        refused(run(*command), "recipe inside" if name == "Curve" else "forged.jpg: the recipe inside")
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
    (tmp_path / "raw.jpg").symlink_to(raw)
    before = all_files(tmp_path)
    refused(run("render", raw, "-o", "raw.jpg", "--force"), "input itself")
    refused(run("render", raw, "-o", raw), "promises a DNG", code=2)
    refused(run("recover", photo, "-o", photo, "--force"), "promises a JPEG", code=2)
    refused(run("render", raw, "-o", photo), "exists already")
    assert all_files(tmp_path) == before
    assert run("render", raw, "-o", photo, "--force", "--quality", "70")[0] == 0
    assert all_files(tmp_path)["in/a.dng"] == before["in/a.dng"] and all_files(tmp_path)["in/b.jpg"] != before["in/b.jpg"]


@pytest.mark.parametrize("arguments", [
    ["render"], ["recover"], ["no-such-command"], ["render", "--no-such-option", "a.dng"],
    ["render", "a.dng", "--quality", "x"], ["render", "a.dng", "--quality", "0"], ["render", "a.dng", "--quality", "101"],
    ["render", "a.dng", "--subsampling", "4:4:1"], ["render", "a.dng", "--tables", "mine"],
    ["render", "a.dng", "--exposure", "bright"], ["render", "a.dng", "--exposure", "nan"],
    ["render", "a.dng", "--exposure", "99"], ["render", "a.dng", "--effort", "none"], ["render", "-"], ["recover", "-"],
    ["render", "-", "a.dng", "-o", "out"], ["render", "a.dng", "b.dng", "-o", "one.jpg"],
    ["render", "a.dng", "b.dng", "-o", "-"], ["render", "a.dng", "a.dng"],
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
