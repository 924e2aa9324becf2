"""Recovery data: the code against another one, and JPEGs whose sectors are lost."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from long_division import remainder
from tiff_maker import dng, tiff

import rawback
from rawback import RenderOptions
from rawback.errors import RawbackError, UsageError
from rawback.files import parity, reed_solomon, seal
from rawback.files.existing import examine
from rawback.files.recognition import Kind
from rawback.lossless.original.give_back import from_data

RANDOM = np.random.default_rng(20)
SHAPES = [(1, 1), (10, 4), (20, 2), (100, 100), (227, 28), (254, 1)]


@pytest.mark.parametrize(("k", "m"), SHAPES)
def test_parity_is_the_remainder(k: int, m: int):
    data = RANDOM.integers(0, 256, (k, 2)).astype(np.uint8)
    coded = reed_solomon.parity(data, m)
    assert [coded[:, i].tobytes() for i in (0, 1)] == [bytes(remainder([*data[:, i].tobytes()], m)) for i in (0, 1)]


@pytest.mark.parametrize(("k", "m"), SHAPES)
def test_another_library_makes_the_same_parity(k: int, m: int):
    reedsolo = pytest.importorskip("reedsolo")
    data = RANDOM.integers(0, 256, (k, 1)).astype(np.uint8)
    assert reed_solomon.parity(data, m).tobytes() == bytes(reedsolo.RSCodec(m).encode(data.tobytes()))[k:]


@pytest.mark.parametrize(("k", "m"), SHAPES)
def test_as_many_as_there_is_parity_come_back(k: int, m: int):
    data = RANDOM.integers(0, 256, (k, 5)).astype(np.uint8)
    coded = reed_solomon.parity(data, m)
    for count in {1, min(k, m) // 2, min(k, m)} - {0}:
        lost = RANDOM.choice(k, count, replace=False).tolist()
        rows = RANDOM.permutation(m)[:count].tolist()
        damaged = data.copy()
        damaged[lost] = 77
        reed_solomon.restore(damaged, lost, coded[rows], rows, m)
        assert np.array_equal(damaged, data)
    with pytest.raises(RawbackError, match="can be restored"):
        reed_solomon.restore(data, list(range(min(k, m))), coded[:0], [], m)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A RAW of 400 kB, and the JPEG that keeps it and may lose five percent. Not to be changed."""
    folder = tmp_path_factory.mktemp("parity")
    raw, photo = folder / "a.dng", folder / "a.jpg"
    raw.write_bytes(tiff(dng(1)) + np.random.default_rng(1).bytes(400_000))
    photo.write_bytes(rawback.render(raw, RenderOptions(keep="original", parity=5)).data)
    return raw, photo


def damaged(data: bytes, seed: int) -> bytes:
    """Five percent of the sectors of a file lost: here and there, or one after the other; as zeros, or anything."""
    rng = random.Random(seed)
    sector = rng.choice((512, 4096))
    count = len(data) // sector
    lost = int(0.05 * count)
    first = rng.randrange(count - lost)
    sectors = rng.sample(range(count), lost) if seed % 2 else range(first, first + lost)
    out = bytearray(data)
    for number in sectors:
        out[number * sector : (number + 1) * sector] = bytes(sector) if seed % 3 else rng.randbytes(sector)
    return bytes(out)


@pytest.mark.parametrize("seed", range(60))
def test_five_percent_of_the_sectors_cost_nothing(pair, seed: int):
    raw, photo = pair
    file = damaged(photo.read_bytes(), seed)
    repaired, notes = parity.repaired(file)
    assert repaired == photo.read_bytes()
    assert "are restored" in "".join(notes) or file[200_000:] != repaired[200_000:]
    assert bytes(from_data(file, "a.jpg").data) == raw.read_bytes()


def test_the_beginning_may_be_lost(pair, run, tmp_path):
    raw, photo = pair
    (tmp_path / "a.jpg").write_bytes(bytes(4096) + photo.read_bytes()[4096:])
    code, _, errors = run("recover", "--original", tmp_path / "a.jpg", "-o", tmp_path / "b.dng")
    assert code == 0, errors
    assert (tmp_path / "b.dng").read_bytes() == raw.read_bytes()


def test_more_than_that_is_an_error_that_names_the_place(pair):
    _, photo = pair
    file = bytearray(photo.read_bytes())
    file[5000:150_000] = bytes(145_000)
    repaired, notes = parity.repaired(bytes(file))
    assert len(repaired) == len(file)
    assert "more than its recovery data restore: in columns 0, 1" in notes[0]
    with pytest.raises(RawbackError):
        from_data(bytes(file), "a.jpg")


def test_it_is_a_sealed_jpeg_as_any(pair):
    data = pair[1].read_bytes()
    assert seal.is_intact(data)
    assert examine(pair[1]).kind is Kind.OWN
    assert parity.repaired(data) == (data, [])
    plain = rawback.render(pair[0], RenderOptions(keep="original"))
    assert parity.repaired(plain.data) == (plain.data, [])
    assert b"RBparity" not in plain.data
    assert len(data) < 1.25 * len(plain.data)


def test_info_tells_of_it(pair, run):
    facts = json.loads(run("info", "--json", pair[1])[1])
    assert facts["recovery_data"].endswith("may be lost")
    assert facts["recovery_bytes"] < 0.2 * facts["bytes"]


def test_of_an_edited_file_it_is_of_no_use(pair, run, tmp_path):
    if not shutil.which("exiftool"):
        pytest.skip("needs exiftool")
    shutil.copy(pair[1], tmp_path / "a.jpg")
    subprocess.run(["exiftool", "-q", "-overwrite_original", "-XMP:Rating=4", tmp_path / "a.jpg"], check=True)
    edited = (tmp_path / "a.jpg").read_bytes()
    assert parity.repaired(edited) == (edited, [])
    assert bytes(from_data(edited, "a.jpg").data) == pair[0].read_bytes()
    assert "of no use now" in run("info", tmp_path / "a.jpg")[1]


@pytest.mark.parametrize("seed", range(200))
def test_forged_records_do_no_harm(pair, seed: int, ends):
    """Heads of records changed at random, with and without a checksum that is right."""
    import zlib

    rng = random.Random(seed)
    data = bytearray(damaged(pair[1].read_bytes(), seed)) if seed % 2 else bytearray(pair[1].read_bytes())
    at, size = 0, 0
    for _ in range(rng.randrange(1, 40)):
        at = data.find(parity.MAGIC, at + 1)
        if at < 0:
            break
        size = parity.HEAD.size + 4 + parity.BLOCK
        data[at + rng.randrange(9, parity.HEAD.size)] = rng.randrange(256)
        if rng.random() < 0.7:
            _, _, *numbers, _, _ = parity.HEAD.unpack_from(data, at)
            layout = parity.Layout(*numbers)
            size = layout.record if layout.needed else size
            rest = data[at + parity.HEAD.size + 4 : at + size]
            sums = zlib.crc32(bytes(data[at : at + parity.HEAD.size]) + bytes(rest))
            data[at + parity.HEAD.size : at + parity.HEAD.size + 4] = sums.to_bytes(4, "little")
    try:
        back = from_data(bytes(data), "a.jpg").data
    except RawbackError:
        return
    assert bytes(back) == pair[0].read_bytes()


def test_options(run, pair):
    assert run("render", "--keep", "original", "--parity", "5", pair[0], "-o", "a.jxl")[0] == 2
    assert run("render", "--keep", "original", "--parity", "5", "--jxl", pair[0], "-o", "b/")[0] == 2
    with pytest.raises(UsageError, match="leaves no room"):
        RenderOptions(keep="4MB", parity=5)
    with pytest.raises(UsageError, match="expected 0 to 20"):
        RenderOptions(lossless=True, parity=50)
