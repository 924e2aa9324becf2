"""DNG: what LibRaw and others read is what was written, samples, levels, colours and metadata alike."""

import io
import shutil
import struct
import subprocess
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rawpy
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scenes import BAYER, CFAS, X_TRANS

from rawback.errors import RawbackError
from rawback.files import dng, exif, tiff
from rawback.files.dng_levels import Levels
from rawback.files.jpeg_file import JpegFile
from rawback.files.tags import Tag
from rawback.files.tiff_writer import serialise
from rawback.recipe import Recipe

DATA = Path(__file__).parents[1] / ".." / "shared" / "data"
FLIPS = {1: 0, 2: 1, 3: 3, 4: 2, 5: 4, 6: 6, 7: 7, 8: 5}
"""EXIF orientation -> LibRaw's flip bits (1 mirror columns, 2 mirror rows, 4 transpose)."""
MATRICES = {
    "none": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "mild": ((1.3, -0.2, -0.1), (-0.1, 1.3, -0.2), (0.0, -0.3, 1.3)),
    "strong": ((1.9, -0.8, -0.1), (-0.25, 1.75, -0.5), (0.05, -0.65, 1.6)),
}
PATCHES = np.array([
    (0.12, 0.06, 0.05), (0.45, 0.35, 0.25), (0.12, 0.25, 0.30), (0.08, 0.14, 0.05), (0.20, 0.28, 0.42), (0.15, 0.62, 0.40),
    (0.60, 0.25, 0.05), (0.07, 0.12, 0.36), (0.45, 0.12, 0.12), (0.08, 0.06, 0.14), (0.28, 0.55, 0.10), (0.65, 0.42, 0.06),
    (0.03, 0.05, 0.28), (0.05, 0.28, 0.08), (0.38, 0.05, 0.04), (0.72, 0.68, 0.07), (0.42, 0.14, 0.34), (0.02, 0.26, 0.36),
    *((grey / 2, grey, grey / 1.6) for grey in (0.9, 0.6, 0.36, 0.19, 0.09, 0.03)),
])  # fmt: skip
"""Camera answers in 0..1 (black to white) of a chart of 24 patches, 4 rows of 6."""
SIDE = 132  # of a patch: LibRaw wants X-Trans to have 512 rows and columns


def recipe_of(mosaic: np.ndarray, cfa=BAYER["RGGB"], **values) -> Recipe:
    defaults = {
        "black": (512.0,) * (len(cfa) ** 2), "white": 15000.0, "neutral": (0.5, 1.0, 0.625), "matrix": MATRICES["mild"],
        "camera": "Maker Model 1",
    }  # fmt: skip
    return Recipe(mosaic.shape[1], mosaic.shape[0], cfa, **(defaults | values)).validate()


def noise(height: int, width: int, seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).integers(400, 15500, (height, width)).astype(np.uint16)


def chart(cfa, black: float = 512, white: float = 15000, side: int = SIDE) -> np.ndarray:
    """Mosaic of the 24 patches, with the noise without which lossless JPEG is so small that LibRaw takes it for a fault."""
    colours = np.tile(cfa, (4 * side // len(cfa) + 1, 6 * side // len(cfa) + 1))[: 4 * side, : 6 * side]
    patches = PATCHES.reshape(4, 6, 3).repeat(side, 0).repeat(side, 1)
    values = np.take_along_axis(patches, colours[..., None], 2)[..., 0] * (white - black) + black
    return np.rint(values + np.random.default_rng(1).uniform(-4, 4, values.shape)).astype(np.uint16)


def encoded(mosaic: np.ndarray, recipe: Recipe, camera=None, preview=None, **options) -> bytes:
    return b"".join(dng.encode(mosaic, recipe, camera, JpegFile(preview) if preview else None, **options))


def jpeg(size=(300, 200), **options) -> bytes:
    stream = io.BytesIO()
    picture = Image.effect_noise(size, 50).convert(options.pop("mode", "RGB"))
    picture.save(stream, "JPEG", **options)
    return stream.getvalue()


@pytest.mark.parametrize("compress", [True, False])
@pytest.mark.parametrize("name", CFAS)
def test_libraw_reads_what_was_written(name: str, compress: bool):
    mosaic, cfa = noise(767, 1151), CFAS[name]
    recipe = recipe_of(mosaic, cfa)
    with rawpy.imread(io.BytesIO(encoded(mosaic, recipe, compress=compress))) as raw:
        assert np.array_equal(raw.raw_image_visible, mosaic)
        colours = raw.raw_colors_visible[: len(cfa), : len(cfa)]
        assert np.array_equal(np.where(colours == 3, 1, colours), cfa)
        assert raw.black_level_per_channel == [512] * 4 and raw.white_level == 15000
        assert np.allclose(raw.camera_whitebalance[:3], [2, 1, 1.6], rtol=1e-6)
        assert raw.sizes.flip == 0


@pytest.mark.parametrize("shape", [(512, 512), (40, 512), (1, 1), (2, 2), (22, 23), (255, 257), (256, 256), (512, 31)])
def test_any_size_comes_back(shape: tuple[int, int]):
    mosaic = noise(*shape)
    found = tiff.read(encoded(mosaic, recipe_of(mosaic))).children[Tag.SubIFDs][0].entries
    assert (tiff.numbers(found[257])[0], tiff.numbers(found[256])[0]) == shape
    if min(shape) >= 22:  # LibRaw's own limit
        with rawpy.imread(io.BytesIO(encoded(mosaic, recipe_of(mosaic)))) as raw:
            assert np.array_equal(raw.raw_image_visible, mosaic)


def test_black_levels_of_bayer_positions():
    mosaic = noise(300, 400)
    for cfa in BAYER.values():
        recipe = recipe_of(mosaic, cfa, black=(100.0, 101.0, 102.0, 103.0))
        with rawpy.imread(io.BytesIO(encoded(mosaic, recipe))) as raw:
            levels = np.array(raw.black_level_per_channel)[raw.raw_colors_visible[:2, :2]]
        assert levels.ravel().tolist() == list(recipe.black)


def test_black_levels_of_x_trans_positions():
    black = np.array([200.0 + 20 * i for i in range(36)]).reshape(6, 6)
    mosaic = (np.tile(black, (100, 100)) + 5000 + np.random.default_rng(1).integers(-2, 3, (600, 600))).astype(np.uint16)
    recipe = recipe_of(mosaic, X_TRANS, black=tuple(black.ravel()), neutral=(1.0, 1.0, 1.0))
    with rawpy.imread(io.BytesIO(encoded(mosaic, recipe))) as raw:
        flat = raw.postprocess(
            output_color=rawpy.ColorSpace.raw, gamma=(1, 1), no_auto_bright=True, adjust_maximum_thr=0.0, output_bps=16
        )
    assert flat[50:-50, 50:-50].std() < 0.001 * flat.mean()


@pytest.mark.parametrize("orientation", FLIPS)
def test_orientation(orientation: int):
    mosaic = noise(200, 300)
    with rawpy.imread(io.BytesIO(encoded(mosaic, recipe_of(mosaic, orientation=orientation)))) as raw:
        assert raw.sizes.flip == FLIPS[orientation] and np.array_equal(raw.raw_image_visible, mosaic)


@pytest.mark.parametrize("name", MATRICES)
@pytest.mark.parametrize("cfa", ["RGGB", "GBRG", "X-Trans"])
def test_colour_of_a_chart_through_libraw(cfa: str, name: str):
    """24 known camera answers arrive as the sRGB that recipe and standard demand, within half of 1/255."""
    mosaic = chart(CFAS[cfa])
    recipe = recipe_of(mosaic, CFAS[cfa], matrix=MATRICES[name])
    assert np.abs(developed(encoded(mosaic, recipe)) - expected(recipe)).max() < 0.5 / 255


def test_a_colour_matrix_of_the_camera_is_used_as_it_is():
    mosaic = chart(BAYER["RGGB"])
    derived = dng.read_tags(encoded(mosaic, recipe_of(mosaic)))
    tags = {"ColorMatrix1": tuple(3 * v for v in derived.numbers["ColorMatrix1"]), "CalibrationIlluminant1": (21,)}
    recipe = recipe_of(mosaic, dng=tags)
    data = encoded(mosaic, recipe)
    assert np.allclose(dng.read_tags(data).numbers["ColorMatrix1"], tags["ColorMatrix1"], atol=1e-6)
    assert np.abs(developed(data) - expected(recipe)).max() < 0.5 / 255


def developed(data: bytes) -> np.ndarray:
    """Mean of each patch, (24, 3) in 0..1, through LibRaw."""
    with rawpy.imread(io.BytesIO(data)) as raw:
        picture = raw.postprocess(
            use_camera_wb=True, no_auto_bright=True, adjust_maximum_thr=0.0, gamma=(2.4, 12.92), output_bps=16, user_flip=0
        )
    return patches(picture / 65535)


def patches(picture: np.ndarray) -> np.ndarray:
    """Mean of the middle of each patch, (24, 3)."""
    side = picture.shape[0] // 4
    inner = slice(side // 4, -(side // 4))
    return picture[: 4 * side, : 6 * side].reshape(4, side, 6, side, 3)[:, inner, :, inner].mean((1, 3)).reshape(24, 3)


def expected(recipe: Recipe) -> np.ndarray:
    linear = np.clip(np.minimum(PATCHES * recipe.gains, 1) @ np.array(recipe.matrix).T, 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def test_tags_come_back():
    mosaic = noise(300, 400)
    numbers = {
        "ColorMatrix1": (0.65, -0.12, -0.08, -0.38, 1.16, 0.25, -0.04, 0.15, 0.6), "AnalogBalance": (1.0, 1.0, 1.0),
        "CalibrationIlluminant1": (17.0,), "BaselineNoise": (0.56,),
    }  # fmt: skip
    recipe = recipe_of(
        mosaic, black=(100.25, 101.0, 102.0, 103.5), crop=(8.0, 6.0, 384.0, 288.0), scale=(1.0, 1.5),
        noise=(1e-4, 2.5e-8), baseline_exposure=0.25, exposure=1.5, dng=numbers,
    )  # fmt: skip
    tags = dng.read_tags(encoded(mosaic, recipe))
    assert tags == dng.DngTags(
        camera="Maker Model 1", numbers=numbers, neutral=recipe.neutral,
        levels=Levels(((100.25, 101.0), (102.0, 103.5)), white=15000.0), crop=recipe.crop, scale=(1.0, 1.5),
        baseline_exposure=1.75, noise=recipe.noise,
    )  # fmt: skip


def test_a_crop_of_fractions_comes_back():
    mosaic = noise(300, 400)
    recipe = recipe_of(mosaic, crop=(0.5, 1.25, 300.5, 200.0))
    assert dng.read_tags(encoded(mosaic, recipe)).crop == recipe.crop


def test_odd_tags_are_as_good_as_none():
    odd = {
        Tag.DNGVersion: tiff.pack(tiff.BYTE, [1, 1, 0, 0]), 262: tiff.pack(tiff.SHORT, [32803]),
        50730: tiff.Entry(tiff.SRATIONAL, 1, struct.pack("<ii", 1, 0)), 50721: tiff.pack(tiff.SHORT, [1, 2]),
        50728: tiff.ascii_text("grey"), 50718: tiff.rationals([0, 1]), 50719: tiff.pack(tiff.LONG, [1]),
        50713: tiff.pack(tiff.SHORT, [0, 0]), 50714: tiff.pack(tiff.SHORT, [64]), 51041: tiff.pack(tiff.DOUBLE, [1, 2, 3]),
        50829: tiff.pack(tiff.FLOAT, [float("inf")] * 4),
    }  # fmt: skip
    tags = dng.read_tags(b"".join(serialise(tiff.Directory(odd))))
    assert tags == dng.DngTags()


def test_what_is_no_dng_has_no_tags():
    for data in (b"", b"\xff\xd8\xff\xe0", b"".join(serialise(tiff.Directory({256: tiff.pack(tiff.LONG, [1])})))):
        assert dng.read_tags(data) is None


@given(st.data())
def test_damage_raises_nothing_else(draw: st.DataObject):
    mosaic = noise(22, 22)
    data = bytearray(encoded(mosaic, recipe_of(mosaic, noise=(1e-4, 1e-8)), preview=jpeg((16, 16))))
    for position in draw.draw(st.lists(st.integers(8, min(len(data), 1500) - 1), max_size=10)):
        data[position] = draw.draw(st.integers(0, 255))
    dng.read_tags(data)


def test_the_jpeg_is_the_preview():
    mosaic, shown = noise(200, 300), jpeg((301, 201), subsampling="4:2:2", quality=93)
    data = encoded(mosaic, recipe_of(mosaic), preview=shown)
    assert data.count(shown) == 1
    with Image.open(io.BytesIO(data)) as picture:
        assert np.array_equal(picture.convert("RGB"), Image.open(io.BytesIO(shown)).convert("RGB"))
    assert tiff.numbers(tiff.read(data).entries[530]) == (2, 1)


@pytest.mark.parametrize("options", [{"progressive": True}, {"mode": "L"}, {"mode": "CMYK"}])
def test_other_jpegs_become_baseline_previews(options: dict):
    mosaic, shown = noise(200, 300), jpeg(**options)
    with Image.open(io.BytesIO(encoded(mosaic, recipe_of(mosaic), preview=shown))) as picture:
        assert picture.size == (300, 200)
        difference = np.array(picture.convert("L"), float) - np.array(Image.open(io.BytesIO(shown)).convert("L"), float)
    assert np.abs(difference).mean() < 4


def test_a_preview_is_made_where_none_is_given():
    """Its patches are those of the chart, within what JPEG and gamma 2.2 instead of sRGB leave."""
    for cfa in CFAS.values():
        mosaic = chart(cfa)
        recipe = recipe_of(mosaic, cfa)
        with Image.open(io.BytesIO(encoded(mosaic, recipe))) as picture:
            small = np.asarray(picture.convert("RGB").resize((600, 400))) / 255
        assert np.abs(patches(small) - expected(recipe)).max() < 0.06


def test_wrong_input_is_named():
    mosaic = noise(200, 300)
    for wrong in (mosaic[:, :-1], mosaic.astype(np.int32), mosaic[..., None]):
        with pytest.raises(RawbackError, match=r"\(200, 300\) uint16"):
            dng.encode(wrong, recipe_of(mosaic), None, None)
    with pytest.raises(RawbackError, match="not a JPEG"):
        dng.encode(mosaic, recipe_of(mosaic), None, JpegFile(b"no picture"))


def test_make_model_and_metadata():
    mosaic = noise(100, 100)
    camera = exif.from_values("Canon", "Canon EOS 5D", exposure=0.01)
    camera.gps[1] = tiff.ascii_text("S")
    back = exif.find_exif(encoded(mosaic, recipe_of(mosaic, camera="Canon EOS 5D"), camera, software="rawback 1.2"))
    assert (back.make, back.model, back.exif, back.gps) == ("Canon", "Canon EOS 5D", camera.exif, camera.gps)
    assert tiff.text(back.ifd0[305]) == "rawback 1.2"
    alone = exif.find_exif(encoded(mosaic, recipe_of(mosaic, camera="Nikon D700")))
    assert (alone.make, alone.model) == ("Nikon", "D700")


def test_memory_stays_below_three_times_the_mosaic():
    mosaic = noise(2000, 3000)
    tracemalloc.start()
    dng.encode(mosaic, recipe_of(mosaic), None, None)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * mosaic.nbytes


def test_exiftool_finds_nothing_wrong(tmp_path: Path):
    if not shutil.which("exiftool"):
        pytest.skip("needs exiftool")
    for name, cfa in CFAS.items():
        mosaic = noise(200, 300)
        recipe = recipe_of(mosaic, cfa, noise=(1e-4, 1e-8), black=tuple(np.linspace(100.5, 130, len(cfa) ** 2)))
        (tmp_path / f"{name}.dng").write_bytes(encoded(mosaic, recipe, exif.from_values("Maker", "Model 1")))
    command = ["exiftool", "-q", "-q", "-validate", "-warning", "-error", "-a", "-s3", str(tmp_path)]
    assert set(subprocess.run(command, capture_output=True, text=True).stdout.splitlines()) == {"OK"}


DEVELOPERS = {
    "darktable-cli": lambda source, target, home: [source, target, "--core", "--configdir", home],
    "rawtherapee-cli": lambda source, target, home: ["-Y", "-o", target, "-c", source],
}


@pytest.mark.slow
@pytest.mark.parametrize("program", DEVELOPERS)
@pytest.mark.parametrize("name", CFAS)
def test_developers_show_the_chart(program: str, name: str, tmp_path: Path):
    """Their looks differ from ours; greys must be grey, dark to light, and the colours of the right hue."""
    if not shutil.which(program):
        pytest.skip(f"needs {program}")
    mosaic = chart(CFAS[name])
    recipe = recipe_of(mosaic, CFAS[name], camera="Unheard Of")
    source, target = tmp_path / "chart.dng", tmp_path / "chart.jpg"
    source.write_bytes(encoded(mosaic, recipe))
    subprocess.run([program, *DEVELOPERS[program](str(source), str(target), str(tmp_path))], capture_output=True, check=False)
    shown = patches(np.asarray(Image.open(target).convert("RGB").resize((600, 400)), float))
    greys = shown[18:]
    assert np.ptp(greys, axis=1).max() < 5 and (np.diff(greys.mean(1)) < 0).all()
    clear = np.ptp(expected(recipe)[:18], axis=1) > 0.3
    assert np.array_equal(shown[:18].argmax(1)[clear], expected(recipe)[:18].argmax(1)[clear])


def test_real_files_come_back_in_libraw():
    """The mosaics of real DNGs, written anew, are rendered as LibRaw renders the originals."""
    files = sorted(path for path in DATA.glob("*/*.dng") if "not_bayer" not in path.name)
    if not files:
        pytest.skip("needs ../shared/data")
    options = {"use_camera_wb": True, "no_auto_bright": True, "adjust_maximum_thr": 0.0, "half_size": True}
    for path in files:
        data = path.read_bytes()
        tags, camera = dng.read_tags(data), exif.find_exif(data)
        with rawpy.imread(io.BytesIO(data)) as raw:
            mosaic, cfa = raw.raw_image_visible.copy(), raw.raw_colors_visible[:2, :2]
            neutral = np.array(tags.neutral) / max(tags.neutral)
            recipe = recipe_of(
                mosaic, tuple(map(tuple, np.where(cfa == 3, 1, cfa).tolist())), white=tags.levels.white, neutral=tuple(neutral),
                black=tuple(float(raw.black_level_per_channel[c]) for c in cfa.ravel()), camera=tags.camera,
                crop=tags.crop, dng=tags.numbers, orientation=camera.orientation,
            )  # fmt: skip
            original = raw.postprocess(**options)
        with rawpy.imread(io.BytesIO(encoded(mosaic, recipe, camera))) as raw:
            assert np.array_equal(raw.raw_image_visible, mosaic)
            assert np.abs(raw.postprocess(**options).astype(int) - original).max() <= 1, path.name
        written = exif.find_exif(encoded(mosaic[:32, :32], replace(recipe, width=32, height=32, crop=None), camera))
        plain = {
            tag: entry for tag, entry in written.exif.items() if tag != Tag.MakerNote
        }  # one without a directory stays there
        assert (plain, written.gps) == (exif.metadata(camera).exif, camera.gps)
