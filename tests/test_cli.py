"""The command as a stranger calls it, where all goes well."""

import io
import json
import shutil
from pathlib import Path

import numpy as np
import rawpy
from PIL import Image
from scenes import SAMPLE, Run, all_files

import rawback


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
    assert all(told in text for told in ("untouched", "4:2:0", "rawback Sample 1", "RG GB", "4095"))
    assert max(map(len, text.splitlines())) <= 100 and "MosaicSha256" not in text
    assert "MosaicSha256" in run("info", sample_file, "-v")[1]


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
    code, text, _ = run("--version")
    assert code == 0 and text.splitlines()[0] == f"rawback {rawback.__version__}" and "compiled core" in text
    assert run("-h")[0] == 0 and "recover" in run("--help")[1]
    assert run("render", "-h")[0] == 0
    code, text, _ = run("cameras")
    assert (
        code == 0 and max(map(len, text.splitlines())) <= 100 and "restore_open" not in text and "Canon PowerShot S40" in text
    )
    assert "restore_open" in run("cameras", "-v")[1] and isinstance(json.loads(run("cameras", "--json")[1]), list)


def test_a_real_raw_stays_as_it_is(run: Run, tmp_path: Path):
    shutil.copy(SAMPLE, tmp_path / "sample.dng")
    (tmp_path / "sample.dng").chmod(0o444)
    before = all_files(tmp_path)
    assert run("render", "sample.dng")[0] == 0
    assert run("recover", "sample.jpg")[0] == 0 and (tmp_path / "sample_recovered.dng").is_file()
    assert {name: all_files(tmp_path)[name] for name in before} == before


def test_a_quality_beside_a_size_is_refused(run: Run, files: tuple[Path, Path]):
    code, _, message = run("render", files[0], "-o", "a.jpg", "--keep", "4MB", "--quality", "50")
    assert code == 2 and message.strip() == "rawback: --quality is chosen by --keep 4MB; give one of the two"
    assert run("render", files[0], "-o", "a.jpg", "--keep", "lossless", "--quality", "50", "-q")[0] == 0


def test_an_original_given_another_name_is_told_by_both(run: Run, files: tuple[Path, Path]):
    run("render", files[0], "-o", "k.jpg", "--keep", "original", "-q")
    code, _, message = run("recover", "--original", "k.jpg", "-o", "z.dng")
    assert code == 0 and f"the original file z.dng ({files[0].name} when it was kept), byte for byte" in message


def test_cards_are_listed_with_their_makers(run: Run):
    assert "\nNikon D5000 " in run("cameras")[1]
