"""A RAW kept to the last bit in a JPEG: through other programs, damage and edits; verified and stripped."""

from __future__ import annotations

import io
import random
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rawpy
from PIL import Image
from scenes import SAMPLE
from small import raw_bytes

from rawback.batch import jobs
from rawback.batch.worker import Product
from rawback.errors import RawbackError, UsageError
from rawback.files import dng, exif, jpeg, jumbf, layer_header, raw, tiff
from rawback.files.dng import Whole
from rawback.files.jpeg_file import JpegFile
from rawback.files.original import packed
from rawback.files.strip import strip
from rawback.lossless import coder, layer
from rawback.options.render import RenderOptions
from rawback.provenance import TURNS
from rawback.recovering import Recovered, recover
from rawback.rendering import render
from rawback.verify.deletion import delete_original
from rawback.verify.verdict import verify
from rawback.version import __version__

RAWS = Path(__file__).parent.parent.parent / "shared" / "data" / "raw"
OPTIONS = RenderOptions(quality=75, lossless=True)
NO_EXIF = b"II*\0\x08\0\0\0\0\0\0\0\0\0"
REAL = ["canon_powershot_g2_0304.CRW", "kodak_dc50.KDC", "infisp_outdoor1.dng", "gopro_fusion_front.dng"]
needs_exiftool = pytest.mark.skipif(not shutil.which("exiftool"), reason="exiftool is not installed")


@pytest.fixture(scope="module")
def original(tmp_path_factory) -> Path:
    """A RAW with photosites around its visible area, and metadata that only a DNG holds."""
    path = tmp_path_factory.mktemp("original") / "margins.dng"
    whole = raw.read(raw_bytes(7, 192, 160), "small")
    frame = whole.mosaic.copy()
    recipe = replace(whole.recipe, width=160, height=144)
    found = exif.from_values("Test", "Camera", iso=400, exposure=0.01)
    serial, opcodes = tiff.ascii_text("123456"), tiff.Entry(tiff.UNDEFINED, 4, b"\0\0\0\0")
    area = (10, 22, 154, 182)
    stored = Whole(frame, area, {50735: serial}, {51022: opcodes})
    software = f"rawback {__version__}"  # Software is written anew: this stays the same
    path.write_bytes(b"".join(dng.encode(frame[10:154, 22:182], recipe, found, None, whole=stored, software=software)))
    return path


@pytest.fixture(scope="module")
def photo(original) -> Path:
    """That RAW, rendered with its lossless layer. Not to be changed."""
    path = original.with_suffix(".jpg")
    path.write_bytes(render(original, OPTIONS).data)
    return path


def copy(photo: Path, folder: Path, data: bytes | None = None) -> Path:
    path = folder / "copy.jpg"
    path.write_bytes(photo.read_bytes() if data is None else data)
    return path


def frame_of(data: bytes) -> np.ndarray:
    with rawpy.imread(io.BytesIO(data)) as file:
        return file.raw_image.copy()


def developed(recovered: Recovered) -> bytes:
    return b"".join(map(bytes, recovered.dng()))


def test_every_photosite_comes_back(original, photo):
    recovered = recover(photo)
    assert recovered.exact
    assert any("bit-exact" in note for note in recovered.notes)
    made = developed(recovered)
    assert np.array_equal(frame_of(made), frame_of(original.read_bytes()))
    before, after = (raw.read(data, "dng", whole=True) for data in (original.read_bytes(), made))
    assert np.array_equal(before.mosaic, after.mosaic)
    assert before.recipe.margins == after.recipe.margins == (10, 22, 192, 160)


def test_the_dng_says_what_the_original_said(original, photo):
    ifd0, mosaic = dng.directories(developed(recover(photo)))
    before, before_mosaic = dng.directories(original.read_bytes())
    assert ifd0[50735] == before[50735]
    assert mosaic[51022] == before_mosaic[51022]
    assert exif.find_exif(developed(recover(photo))).exif[34855] == exif.find_exif(original.read_bytes()).exif[34855]


def test_viewers_see_nearly_the_picture_as_without_the_layer(original, photo):
    """But for what is finer than a step: the layer codes that in fewer bits."""
    plain = render(original, RenderOptions(quality=75)).data
    one, other = (np.asarray(Image.open(io.BytesIO(data)), float) for data in (plain, photo.read_bytes()))
    assert np.sqrt(np.mean((one - other) ** 2)) < 3
    assert np.abs(one.mean((0, 1)) - other.mean((0, 1))).max() < 0.1


@needs_exiftool
def test_it_survives_exiftool(original, photo, tmp_path):
    file = copy(photo, tmp_path)
    subprocess.run(["exiftool", "-q", "-overwrite_original", "-Artist=x", file], check=True)
    assert verify(file, original).exact
    assert exif.find_exif(developed(recover(file))).ifd0[315].data == b"x\0"


@pytest.mark.parametrize("threads", ["1", "2"])
def test_threads_make_no_difference(original, photo, monkeypatch, threads):
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    assert render(original, OPTIONS).data == photo.read_bytes()
    assert verify(photo, original).exact


def test_a_turned_picture_still_has_its_layer(original, photo, tmp_path):
    whole = jpeg.read(photo.read_bytes(), "photo")
    turned = jpeg.write(
        TURNS[1].blocks(whole.coefficients), whole.recipe, NO_EXIF, jumbf.to_segments(jumbf.find(JpegFile(whole.data)))
    )
    recovered = recover(copy(photo, tmp_path, turned))
    assert recovered.exact
    assert np.array_equal(recovered.mosaic, raw.read(original.read_bytes(), "dng").mosaic)


def test_a_picture_saved_again_does_without(photo, tmp_path):
    whole = jpeg.read(photo.read_bytes(), "photo")
    stream = io.BytesIO()
    Image.open(photo).save(stream, "JPEG", quality=90)
    again = jpeg.read(stream.getvalue(), "again").coefficients
    data = jpeg.write(again, whole.recipe, NO_EXIF, jumbf.to_segments(jumbf.find(JpegFile(whole.data))))
    recovered = recover(copy(photo, tmp_path, data))
    assert not recovered.exact
    assert any("as it was before that" in note for note in recovered.notes)


@pytest.mark.parametrize("label", [layer.BLOCK_LABEL, layer.MARGINS_LABEL, packed.LABEL, layer.HEADER_LABEL])
def test_damage_costs_its_part_and_is_told(original, photo, tmp_path, label):
    data = bytearray(photo.read_bytes())
    data[data.index(label.encode() + b"\0") + 100] ^= 4
    recovered = recover(copy(photo, tmp_path, bytes(data)))
    true = raw.read(original.read_bytes(), "dng").mosaic
    told = " ".join(recovered.notes)
    if label == packed.LABEL:
        assert recovered.exact
        assert recovered.original is None
    else:
        assert not recovered.exact
        assert ("is damaged" in told) or ("lost its beginning" in told)
    assert np.array_equal(recovered.mosaic, true) == (label not in (layer.BLOCK_LABEL, layer.HEADER_LABEL))
    assert np.abs(recovered.mosaic.astype(int) - true).mean() < 200
    assert frame_of(developed(recovered)).size >= true.size


def test_only_damaged_blocks_fall_back(monkeypatch, photo, original, tmp_path):
    monkeypatch.setattr(coder, "BLOCK_PIXELS", 160 * 32)
    data = bytearray(render(original, OPTIONS).data)
    at = [i for i in range(len(data)) if data.startswith(b"rawback.lossless.block\0", i)]
    assert len(at) == 5
    data[at[2] + 100] ^= 4
    recovered = recover(copy(photo, tmp_path, bytes(data)))
    same = (recovered.mosaic == raw.read(original.read_bytes(), "dng").mosaic).all(1)
    assert same[:64].all()
    assert same[96:].all()
    assert not same[64:96].all()
    assert any("rows 64-95" in note for note in recovered.notes)


def test_verify_measures_what_is_not_exact(original, tmp_path):
    path = tmp_path / "plain.jpg"
    path.write_bytes(render(original, RenderOptions(quality=75)).data)
    verdict = verify(path, original)
    assert not verdict.exact
    assert 30 < verdict.mosaic_db < 70
    assert verdict.largest > 0
    other = tmp_path / "other.dng"
    other.write_bytes(raw_bytes(1, 64, 48))
    with pytest.raises(RawbackError, match="was not rendered from"):
        verify(path, other)


def test_verify_by_command(command, original, photo, tmp_path):
    assert command("verify", photo, original).returncode == 0
    plain = tmp_path / "plain.jpg"
    plain.write_bytes(strip(photo)[0])
    assert command("verify", plain, original).returncode == 1


def test_strip_leaves_the_coded_picture(photo, tmp_path):
    data = photo.read_bytes()
    bare, _ = strip(photo)
    start = min(data.index(b"\xff\xdb"), data.index(b"\xff\xc0"))
    assert bare.endswith(data[data.index(b"\xff\xdb") :][-2000:])
    assert jumbf.find(JpegFile(bare)) == []
    assert jpeg.read(bare, "bare").recipe is None
    assert b"rawback.org" not in bare
    assert start > 0
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(bare))), np.asarray(Image.open(photo)))
    assert strip(copy(photo, tmp_path, bare))[0] == bare


@needs_exiftool
def test_strip_leaves_the_xmp_of_others(photo, tmp_path):
    file = copy(photo, tmp_path)
    subprocess.run(["exiftool", "-q", "-overwrite_original", "-XMP-dc:Title=Evening", file], check=True)
    file.write_bytes(strip(file)[0])
    assert jpeg.read(file.read_bytes(), "bare").recipe is None
    shown = subprocess.run(["exiftool", "-s3", "-XMP-dc:Title", file], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "Evening"


def test_an_original_is_deleted_only_when_nothing_is_lost(original, photo, tmp_path):
    source = tmp_path / "a.dng"
    shutil.copy(original, source)
    plain = tmp_path / "plain.jpg"
    plain.write_bytes(render(source, RenderOptions(quality=75)).data)
    with pytest.raises(RawbackError, match="is kept"):
        delete_original(plain, source)
    nameless = tmp_path / "nameless.jpg"
    nameless.write_bytes(render(source, RenderOptions(quality=75, lossless=True, keep_exif=False)).data)
    assert verify(nameless, source).exact
    with pytest.raises(RawbackError, match="is kept"):
        delete_original(nameless, source)
    assert source.exists()
    delete_original(photo, source)
    assert not source.exists()


def test_the_flag_to_delete_needs_the_layer(original, tmp_path):
    with pytest.raises(UsageError):
        jobs.Render(RenderOptions(), delete_original=True)
    source, target = tmp_path / "a.dng", tmp_path / "a.jpg"
    shutil.copy(original, source)
    job = jobs.Render(OPTIONS, delete_original=True)
    product: Product = job(source, target, lambda share: None)
    assert source.exists()
    target.write_bytes(b"".join(product.chunks)[:-1000] + b"\xff\xd9")
    with pytest.raises(RawbackError):
        job.finish(source, target)
    assert source.exists()
    target.write_bytes(b"".join(product.chunks))
    assert "deleted" in job.finish(source, target)[0]
    assert not source.exists()


@pytest.mark.parametrize("seed", range(40))
def test_a_fuzzed_layer_is_survived(photo, tmp_path, seed):
    """Damage within the boxes, their checksums mended, as one who means harm would."""
    rng = random.Random(seed)
    boxes = jumbf.find(JpegFile(photo.read_bytes()))
    number = seed % len(boxes)
    body = bytearray(boxes[number].content[4:])
    for _ in range(rng.randrange(1, 4)):
        body[rng.randrange(min(len(body), 110) if seed % 3 else len(body))] = rng.choice((0, 1, 127, 128, 255))
    if seed % 7 == 0:
        del body[rng.randrange(len(body)) :]
    boxes[number] = jumbf.Box(boxes[number].label, layer_header.with_crc(bytes(body)))
    whole = jpeg.read(photo.read_bytes(), "photo")
    data = jpeg.write(whole.coefficients, whole.recipe, NO_EXIF, jumbf.to_segments(boxes))
    recovered = recover(copy(photo, tmp_path, data))
    assert recovered.mosaic.shape == (144, 160)
    assert len(developed(recovered)) > 1000


@pytest.mark.slow
@pytest.mark.parametrize("name", REAL)
def test_real_raw_is_bit_exact_and_smaller(name, tmp_path):
    if not (RAWS / name).exists():
        pytest.skip(f"{RAWS / name} is missing")
    path = tmp_path / "a.jpg"
    path.write_bytes(render(RAWS / name, OPTIONS).data)
    assert verify(path, RAWS / name).exact
    file = raw.read((RAWS / name).read_bytes(), name)
    alone = sum(map(len, dng.encode(file.mosaic, file.recipe, file.exif, None)))
    assert path.stat().st_size < 0.92 * alone


def test_the_sample_is_bit_exact(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(render(SAMPLE, OPTIONS).data)
    assert verify(path, SAMPLE).exact


@pytest.mark.parametrize(
    "edit", [("White", "16383", "16382"), ("Black", "512", "500"), ("Orientation", "", ""), ("Matrix", "1.", "2.")]
)
def test_an_edited_recipe_is_found(photo, tmp_path, edit):
    """It is not part of the coded picture: the layer has a hash of it."""
    name, before, after = edit
    data = photo.read_bytes()
    at = data.find(f'rawback:{name}="'.encode())
    edited = data[:at] + data[at:].replace(before.encode(), after.encode(), 1) if at >= 0 else data
    recovered = recover(copy(photo, tmp_path, edited))
    assert recovered.exact == (edited == data)
    assert any("recipe was edited" in note for note in recovered.notes) == (edited != data)
    assert np.array_equal(recovered.mosaic, recover(photo).mosaic)
