"""The library as a script uses it: what it takes, what results can do, what a prompt shows of them."""

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scenes import raw_file

import rawback
from rawback.errors import RawbackError, UsageError
from rawback.files.existing import examine
from rawback.files.recognition import Kind
from rawback.files.sources import PIXELS


def test_all_ways_to_name_a_jpeg_are_the_same(small: tuple[bytes, bytes], tmp_path: Path):
    data = small[1]
    (tmp_path / "a.jpg").write_bytes(data)
    ways = [tmp_path / "a.jpg", str(tmp_path / "a.jpg"), data, bytearray(data), memoryview(data), io.BytesIO(data)]
    mosaics = [rawback.recover(way).mosaic for way in ways]
    with (tmp_path / "a.jpg").open("rb") as file:
        mosaics.append(rawback.recover(file).mosaic)
    assert all((mosaic == mosaics[0]).all() for mosaic in mosaics)


def test_a_raw_may_be_bytes(small: tuple[bytes, bytes]):
    rendered = rawback.render(io.BytesIO(small[0]), keep_original())
    assert rendered.data == rawback.render(small[0], keep_original()).data
    given_back = rawback.original_file(rendered.data)
    assert bytes(given_back.data) == small[0] and given_back.name == ""


def keep_original() -> rawback.RenderOptions:
    return rawback.RenderOptions(keep="original")


@pytest.mark.parametrize("given", [3, None, io.StringIO("text"), np.zeros(3)], ids=["number", "none", "text", "array"])
def test_what_is_no_file_is_refused(given: object):
    with pytest.raises(UsageError, match="expected"):
        rawback.recover(given)
    with pytest.raises(UsageError, match="expected"):
        rawback.render(given)


def test_results_are_saved_and_nothing_is_replaced_unasked(small: tuple[bytes, bytes], tmp_path: Path):
    rendered, recovered = rawback.render(raw_file(64, 96)), rawback.recover(small[1])
    jpeg, raw, array = tmp_path / "a.jpg", tmp_path / "a.dng", tmp_path / "a.npy"
    rendered.save(jpeg)
    recovered.save(raw)
    recovered.save(array)
    assert jpeg.read_bytes() == rendered.data and raw.read_bytes() == b"".join(recovered.dng())
    assert (np.load(array) == recovered.mosaic).all()
    for save, path in ((rendered.save, jpeg), (recovered.save, raw), (recovered.save, array)):
        with pytest.raises(RawbackError, match="exists already"):
            save(path)
    rendered.save(jpeg, force=True)
    jpeg.write_bytes(b"something of somebody's")
    with pytest.raises(RawbackError, match="did not make"):
        rendered.save(jpeg, force=True)
    with pytest.raises(UsageError, match=r"ends in \.jpg"):
        rendered.save(tmp_path / "b.dng")
    with pytest.raises(UsageError, match=r"ends in \.dng"):
        recovered.save(tmp_path / "b.jpg")


def test_pictures_and_light():
    garden = raw_file(64, 96)
    rendered = rawback.render(garden)
    assert (rendered.kind, rendered.to_pil().size) == (".jpg", (96, 64))
    assert [rawback.render(garden, kind=kind).kind for kind in (".tif", ".png")] == [".tif", ".png"]
    recovered = rawback.recover(rendered.data)
    light = recovered.linear()
    expected = (recovered.mosaic.astype(float) - 256) / (4095 - 256)
    assert light.dtype == np.float32 and light.shape == (64, 96) and np.abs(light - expected).max() < 1e-6
    assert rawback.recover(rendered.data, linear=True).linear().shape == (64, 96, 3)


def test_a_prompt_shows_a_line():
    rendered = rawback.render(raw_file(64, 96))
    recovered = rawback.recover(rendered.data)
    assert repr(rendered).startswith("<Rendered jpg of 96 x 64 photosites, ") and len(repr(rendered)) < 100
    assert repr(recovered) == "<Recovered 64 x 96 uint16, Maker One, untouched>"
    original = rawback.OriginalFile("a.dng", "0" * 64, bytearray(10**6))
    assert len(repr(original)) < 120


def test_everything_is_seen_from_outside():
    line = "import rawback; print(set(rawback.__all__) <= set(dir(rawback)), all(getattr(rawback, n) for n in rawback.__all__))"
    root = Path(__file__).parents[1]
    assert subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, cwd=root).stdout == "True True\n"


def test_an_image_that_is_not_loaded_is_its_file_and_any_other_its_pixels(small: tuple[bytes, bytes], tmp_path: Path):
    (tmp_path / "a.jpg").write_bytes(small[1])
    with Image.open(tmp_path / "a.jpg") as image:
        of_file = rawback.recover(image)
        image.load()
        of_pixels = rawback.recover(image)
    assert of_file.state is not None and (of_file.mosaic == rawback.recover(small[1]).mosaic).all()
    assert of_pixels.state is None and of_pixels.notes[0] == PIXELS and PIXELS not in of_file.notes
    assert rawback.recover(image.copy()).mosaic.shape == of_pixels.mosaic.shape
    with pytest.raises(UsageError, match="mode CMYK"):
        rawback.recover(Image.new("CMYK", (64, 64)))


def test_an_array_says_what_its_numbers_mean(small: tuple[bytes, bytes], tmp_path: Path):
    recovered = rawback.recover(small[1])
    recovered.save(tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as file:  # which needs no pickle
        assert (file["mosaic"] == recovered.mosaic).all() and file["cfa"].tolist() == [[0, 1], [1, 2]]
        light = (file["mosaic"] - np.tile(file["black"], (44, 60))) / (file["white"] - file["black"][0, 0])
        assert np.abs(light - recovered.linear()).max() < 1e-6
        assert json.loads(str(file["recipe"]))["Camera"] == recovered.recipe.camera and file["matrix"].shape == (3, 3)
    before = (tmp_path / "a.npz").read_bytes()
    assert before == b"".join(recovered.array()) and examine(tmp_path / "a.npz").kind is Kind.OWN
    recovered.save(tmp_path / "a.npz", force=True)
    demosaiced = rawback.recover(small[1], linear=True)
    with np.load(io.BytesIO(b"".join(demosaiced.array()))) as file:
        assert np.abs((file["mosaic"] - file["black"]) / file["white"] - demosaiced.linear()).max() < 1e-6
        assert file["cfa"].size == 0 and file["black"].shape == (3,)


def test_a_folder_of_jpegs_becomes_arrays(run, small: tuple[bytes, bytes], tmp_path: Path):
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "deep" / "a.jpg").write_bytes(small[1])
    command = ("recover", "in", "-r", "-o", "out", "--name", "{stem}.npz", "-q")
    assert run(*command)[::2] == (0, "")
    with np.load("out/deep/a.npz") as file:
        assert (file["mosaic"] == rawback.recover(small[1]).mosaic).all()
    assert run(*command)[0] == 1 and run(*command, "--skip-existing")[0] == 0
    assert run("recover", "in/deep/a.jpg", "-o", "a.npy")[0] == 0 and np.load("a.npy").shape == (88, 120)
    assert run("recover", "in/deep/a.jpg", "-o", "b.npz", "--no-compress")[0] == 2
    assert run("render", "in/deep/a.jpg", "-o", "b.npz")[0] == 2
