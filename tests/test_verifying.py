"""What `verify` calls exact, and what is never deleted: a RAW of which the smallest part would be lost."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import rawpy
from scenes import BAYER, garden, recipe_of
from small import raw_bytes
from tiff_maker import dng as made_dng
from tiff_maker import tiff

import rawback
from rawback import RenderOptions
from rawback.errors import RawbackError
from rawback.files import dng
from rawback.files.dng import Whole
from rawback.verify.deletion import delete_original
from rawback.verify.verdict import verify
from rawback.version import __version__

FRAME_HASH = 2 + 32
"""Where the sha256 of the frame stands in the layer's first box: after its version and the sha256 of the picture."""


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A RAW of 120 x 88 photosites with four columns and two rows around them."""
    recipe = recipe_of(92, 128, BAYER["RGGB"])
    frame = garden(92, 128, recipe)
    area = (2, 4, 90, 124)
    visible = np.ascontiguousarray(frame[2:90, 4:124])
    path = tmp_path_factory.mktemp("original") / "a.dng"
    software = f"rawback {__version__}"  # Software and AsShotNeutral are written anew: these stay the same
    described = recipe_of(88, 120, neutral=(0.5, 1.0, 0.5))
    whole = Whole(frame, area)
    path.write_bytes(b"".join(dng.encode(visible, described, None, None, software=software, whole=whole)))
    return path


@pytest.fixture(scope="module")
def lossless(original: Path) -> bytes:
    """The JPEG that holds all of it."""
    return rawback.render(original, RenderOptions(lossless=True)).data


def changed(data: bytes, label: bytes, at: int, mend: bool) -> bytes:
    """A JPEG in which a byte of the content of the box of that label differs, its checksum made right again or not."""
    start = data.index(label + b"\0") + len(label) + 1
    length, kind = struct.unpack_from(">I4s", data, start)  # of a box of ISO/IEC 19566-5: length, type, identifier, content
    assert kind == b"uuid"
    checksum, end = start + 24, start + length
    assert zlib.crc32(data[checksum + 4 : end]) == int.from_bytes(data[checksum : checksum + 4], "little")
    content = bytearray(data[checksum + 4 : end])
    content[at] ^= 1
    mended = zlib.crc32(content).to_bytes(4, "little") if mend else data[checksum : checksum + 4]
    return data[:checksum] + mended + content + data[end:]


def copies(tmp_path: Path, original: Path, photo: bytes) -> tuple[Path, Path]:
    """Copies of the RAW and of a JPEG, side by side."""
    paths = tmp_path / "a.dng", tmp_path / "a.jpg"
    for path, data in zip(paths, (original.read_bytes(), photo), strict=True):
        path.write_bytes(data)
    return paths


def assert_kept(photo: Path, raw: Path, why: str) -> None:
    """The RAW is not deleted, and the message says why."""
    before = raw.read_bytes()
    with pytest.raises(RawbackError, match=why):
        delete_original(photo, raw)
    assert raw.read_bytes() == before


def test_all_of_it_is_exact_and_may_be_deleted(original: Path, lossless: bytes, tmp_path: Path):
    raw, photo = copies(tmp_path, original, lossless)
    verdict = verify(photo, raw)
    assert verdict.exact and verdict.complete and verdict.largest == 0
    delete_original(photo, raw)
    assert not raw.exists()


def test_nothing_is_exact_whose_hash_does_not_say_so(original: Path, lossless: bytes, tmp_path: Path):
    """Every block decodes, but to another frame than the layer was made of."""
    _, photo = copies(tmp_path, original, changed(lossless, b"rawback.lossless", FRAME_HASH, mend=True))
    recovered = rawback.recover(photo)
    assert not recovered.exact
    assert any("not bit-exact" in note for note in recovered.notes)
    assert not any("the RAW is bit-exact" in note for note in recovered.notes)


def test_photosites_outside_the_visible_area_count(original: Path, lossless: bytes, tmp_path: Path):
    raw, photo = copies(tmp_path, original, changed(lossless, b"rawback.lossless.margins", 20, mend=False))
    with rawpy.imread(str(raw)) as file:
        assert np.array_equal(rawback.recover(photo).mosaic, file.raw_image_visible)
        assert file.raw_image.shape == (92, 128)
    verdict = verify(photo, raw)
    assert not verdict.exact and verdict.largest == 0
    assert_kept(photo, raw, "is kept")


class Complaining:
    """A RAW of which LibRaw says, on the standard error stream as it does, that it cannot be read without loss."""

    def __init__(self, raw: rawpy.RawPy) -> None:
        self.raw, self.unpacked = raw, False

    def __enter__(self) -> Complaining:
        return self

    def __exit__(self, *error: object) -> None:
        self.raw.close()

    def __getattr__(self, name: str) -> object:
        if name.startswith("raw_") and not self.unpacked:  # what makes rawpy have LibRaw unpack the file
            self.unpacked = True
            os.write(2, b"unknown file: data corrupted at 1234\n")
        return getattr(self.raw, name)


def test_a_damaged_raw_is_kept(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """What can be read of it is restored to the last bit, but somebody may yet read more of it."""
    read = rawpy.imread
    monkeypatch.setattr(rawpy, "imread", lambda *arguments: Complaining(read(*arguments)))
    rendered = rawback.render(original, RenderOptions(lossless=True))
    assert any("damaged" in note and "data corrupted at 1234" in note for note in rendered.notes)
    raw, photo = copies(tmp_path, original, rendered.data)
    assert verify(photo, raw).exact
    assert_kept(photo, raw, "is kept.*damaged")


def test_levels_that_were_edited_are_found(original: Path, lossless: bytes, tmp_path: Path):
    """Every photosite is restored, but with a white level that is not the RAW's."""
    raw, photo = copies(tmp_path, original, lossless)
    edited = lossless.replace(b'rawback:White="4095"', b'rawback:White="9095"')
    assert edited != lossless
    photo.write_bytes(edited)
    verdict = verify(photo, raw)
    assert verdict.largest == 0 and not verdict.exact and not verdict.complete
    assert "white level 4095 comes back as 9095" in verdict.missing
    assert_kept(photo, raw, "white level")


def test_black_that_rises_down_the_frame_is_named(tmp_path: Path):
    raw, photo = tmp_path / "a.dng", tmp_path / "a.jpg"
    raw.write_bytes(tiff(made_dng(1, raw={50716: (10, [part for row in range(32) for part in (row, 1)])})))
    photo.write_bytes(rawback.render(raw, RenderOptions(lossless=True)).data)
    verdict = verify(photo, raw)
    assert verdict.complete or any("50716 BlackLevelDeltaV" in phrase or "black level" in phrase for phrase in verdict.missing)
    lossy = tmp_path / "b.jpg"
    lossy.write_bytes(rawback.render(raw, RenderOptions(quality=80)).data)
    verdict = verify(lossy, raw)
    assert not verdict.exact and 20 < verdict.mosaic_db < 90 and "not bit-exact" in verdict.message
    assert "the photosites outside the visible area" not in verdict.missing


def test_arguments_the_other_way_round_are_named(tmp_path: Path):
    (tmp_path / "a.dng").write_bytes(raw_bytes())
    (tmp_path / "a.jpg").write_bytes(rawback.render(tmp_path / "a.dng", RenderOptions(thumbnail=False)).data)
    with pytest.raises(RawbackError, match=r"a\.dng is a RAW file, and .*a\.jpg a JPEG; name the JPEG first"):
        verify(tmp_path / "a.dng", tmp_path / "a.jpg")
