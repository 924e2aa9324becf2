"""The report of `evaluate`: what it is compared with, and the page."""

import base64
import io
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image
from scenes import SAMPLE
from small import raw_bytes, rawback
from test_preview_look import camera, jpeg, shown, with_pictures

from rawback import RenderOptions, metrics
from rawback.errors import RawbackError, UsageError
from rawback.evaluate import evaluate, methods, raw_codecs, report, report_images, report_look, report_plots, table
from rawback.files import dng, raw, seal
from rawback.files.jpeg_file import JpegFile
from rawback.isp import closed_loop, inverse_pass, open_loop, stages
from rawback.isp.quantisation_tables import coding
from rawback.picture import upright

OPEN = RenderOptions(exposure=0.0, quality=90)


def small(height=96, width=128, **recipe):
    file = raw.read(raw_bytes(3, width, height), "small")
    return replace(file, recipe=replace(file.recipe, refined=False, **recipe))


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
def test_a_picture_is_coded_as_the_open_loop_codes_it(subsampling):
    file = small()
    tables = coding(90, subsampling, "standard")
    ours = closed_loop.encode(file.mosaic, file.recipe, tables)
    other = open_loop.encode(stages.forward(file.mosaic, file.recipe), tables)
    for a, b in zip(ours.planes, other.planes, strict=True):
        assert np.mean(a != b) < 0.02 and np.abs(a - b).max() <= 1  # the borders of demosaicing differ


def test_upi_undoes_its_own_forward_curve():
    """A grey of light g, under the smoothstep and gamma of the method's pipeline, comes back as g in every channel."""
    recipe = small().recipe
    light = 0.3
    code = light ** (1 / 2.2)
    shown = np.full((3, 16, 16), 3 * code**2 - 2 * code**3, np.float32)
    mosaic = methods.unprocessed(shown, recipe)
    found = (
        (mosaic - recipe.black[0])
        / (recipe.white - recipe.black[0])
        * recipe.gains[np.array(recipe.cfa)][np.arange(16)[:, None] % 2, np.arange(16) % 2]
    )
    assert np.allclose(found, light, atol=2e-3)


def test_unknown_methods_are_refused_and_missing_weights_say_how_to_make_them(tmp_path):
    with pytest.raises(UsageError, match="classical"):
        methods.method("magic")
    with pytest.raises(RawbackError, match=r"benchmarks/baselines\.py .* --methods unet"):
        methods.method("unet", tmp_path)
    with pytest.raises(RawbackError, match=r"not in this installation.*--methods paper"):
        methods.method("paper")


@pytest.mark.parametrize("name", ["flow", "unet", "cycleisp", "gray"])
def test_learned_methods_come_with_an_installation(name: str):
    """And are no wrecks: within what nothing learned comes to on this crop, some dB."""
    (row,) = evaluate.evaluate(SAMPLE, OPEN, [90], [name], crop=128)
    assert row["raw_db"] > 35 and "steps of 2 squares" in methods.described(name)


def test_the_closed_loop_beats_what_it_is_compared_with():
    rows = evaluate.evaluate(SAMPLE, OPEN, [90], ["rawback", "classical", "upi"], crop=256)
    ours, classical, upi = (row["raw_db"] for row in rows)
    assert ours > classical + 3 and classical > upi + 5
    assert [row["method"] for row in rows] == ["rawback", "classical", "upi"]


class Echo:
    """Weights whose net gives back what it is fed, and says how large that was."""

    def __init__(self, halo):
        self.card, self.fed = {"parts": {"flow_inverse": {"config": {"halo": halo}}}}, []

    def part(self, name):
        return lambda planes: self.fed.append(planes.shape[2:]) or planes


@pytest.mark.parametrize("cfa", [((0, 1), (1, 2)), ((2, 1), (1, 0)), ((1, 0), (2, 1))])
def test_nets_see_a_frame_in_tiles_that_begin_with_red(cfa):
    planes = np.random.default_rng(2).random((3, 1101, 603), np.float32)
    weights = Echo(36)
    found = methods.Learned("flow", weights)._run("flow_inverse", planes, replace(small().recipe, cfa=cfa))
    assert np.array_equal(found, planes)
    assert all(n % methods.CELLS == 0 and n <= methods.TILE + 2 * 48 for shape in weights.fed for n in shape)


def test_a_crop_is_the_centre_of_the_file():
    whole, part = evaluate.case(SAMPLE).file, evaluate.case(SAMPLE, 200).file
    height, width = whole.mosaic.shape
    top, left = (height - 200) // 4 * 2, (width - 200) // 4 * 2
    assert np.array_equal(part.mosaic, whole.mosaic[top : top + 200, left : left + 200])
    assert part.recipe.cfa == whole.recipe.cfa and part.recipe.black == whole.recipe.black


def test_cfa_planes_go_there_and_back():
    file = small()
    for bits, least in ((16, 90), (12, 65)):
        planes = raw_codecs.Planes.of(file, bits)
        found = planes.mosaic_of(planes.samples)
        assert metrics.mosaic_psnr(file.mosaic, found, file.recipe) > least
    assert np.allclose(raw_codecs.ROTATION @ raw_codecs.ROTATION.T, np.eye(4))


def test_raw_codecs_grow_better_with_bytes():
    pytest.importorskip("imagecodecs", reason="the RAW codecs need imagecodecs")
    rows = evaluate.by_codecs(evaluate.case(SAMPLE, 256))
    assert {row["method"] for row in rows} == set(raw_codecs.available()) >= {"JPEG 2000", "JPEG XL"}
    for codec in raw_codecs.available():
        points = sorted((row["bits_per_photosite"], row["raw_db"]) for row in rows if row["method"] == codec)
        assert [db for _, db in points] == sorted(db for _, db in points)


def test_means_pass_over_what_a_method_cannot_do():
    rows = [{"file": f, "method": "m", "quality": 90, "raw_db": db} for f, db in (("a", 40.0), ("b", 44.0))]
    rows.append({"file": "c", "method": "m", "quality": 90, "note": "not for this one"})
    (found,) = table.means(rows)
    assert found["raw_db"] == 42 and found["file"] == "mean of 2"
    assert table.table(rows).endswith("c, m: not for this one")


def test_ticks_are_round_and_hold_the_range():
    assert report_plots.ticks(0, 2.9) == [0, 0.5, 1, 1.5, 2, 2.5, 3]
    found = report_plots.ticks(27.4, 56.4)
    assert found[0] <= 27.4 and found[-1] >= 56.4 and all(value % 5 == 0 for value in found)


def test_a_pushed_crop_is_taken_where_there_is_detail():
    picture = np.full((900, 900, 3), 128, np.uint8)
    picture[576:864, 288:576] = np.random.default_rng(0).integers(0, 240, (288, 288, 1))
    rows, columns = report_images.telling_place(picture)
    assert (rows.start, columns.start) == (576, 288)


class Page(HTMLParser):
    """Collects what a page refers to, and checks that its elements are closed in order."""

    VOID = ("meta", "img", "br", "link", "input")

    def __init__(self, text):
        super().__init__()
        self.open, self.addresses, self.ids, self.unnamed, self.text = [], [], [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.addresses += [found[key] for key in ("src", "href", "srcset", "action") if key in found]
        self.ids += [found["id"]] if "id" in found else []
        if (tag == "img" and not found.get("alt")) or (tag == "th" and "scope" not in found):
            self.unnamed.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_the_page_needs_nothing_else(tmp_path):
    source = tmp_path / "<b>&amp;.dng"
    source.write_bytes(raw_bytes(5, 256, 192))
    out = tmp_path / "out.html"
    done = rawback("evaluate", source, "--quality", "80,90", "--against", "classical", "--report", out)
    assert done.returncode == 0, done.stderr
    text = out.read_text()
    found = Page(text)
    assert not found.open and not found.unnamed
    inside = [address for address in found.addresses if not address.startswith("data:image/")]
    assert all(address.startswith("#") and address[1:] in found.ids for address in inside)
    assert not re.search(r"@import|url\(|<script|<link", text)
    assert "<b>&amp;.dng" in found.text  # as it is called, not as markup
    assert text.count("<img") == 2 + 2 + 3  # picture and RAW, two maps, three crops
    assert "prefers-color-scheme: dark" in text and "@media print" in text


def test_the_page_shows_the_cameras_look(tmp_path, monkeypatch):
    """Of a RAW with its camera's picture inside; of one that carries rawback's own small picture there is no panel."""
    monkeypatch.setattr(raw_codecs, "available", list)  # they take ten seconds
    made = camera()
    inside = JpegFile(jpeg(shown(made)))
    pages = []
    for software in ("Maker", "rawback 1"):
        source = tmp_path / f"{software}.dng"
        source.write_bytes(b"".join(dng.encode(made.mosaic, made.recipe, None, inside, software=software)))
        pictures = report.Pictures(90, replace(OPEN, look="libraw"))
        rows = evaluate.evaluate(source, replace(OPEN, look="libraw"), [90], on_trip=pictures.add)
        pages.append(report.build(rows, pictures, {}, ""))
    with_look, without = map(Page, pages)
    assert not with_look.open and not with_look.unnamed
    assert "The camera's look" in with_look.text and "fitted look" in with_look.text
    assert "The camera's look" not in without.text and "fitted look" not in without.text
    assert [page.count("<img") for page in pages] == [8, 5]  # the camera's, the rendering and the recovered RAW's
    assert [page.count('<figure class="curve"><svg') for page in pages] == [1, 0]


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_the_cameras_picture_lies_as_the_rendering_does(orientation):
    made = camera(orientation=orientation)
    lying = shown(made)
    for picture in (lying, Image.fromarray(upright(np.asarray(lying), orientation))):
        panel = report_look.panel(with_pictures(made, jpeg(picture)), replace(OPEN, look="libraw"))
        drawn = [_pixels(uri) for uri in (panel.camera, panel.rendering, panel.recovered)]
        assert np.abs(drawn[0] - drawn[1]).mean() < 6 and np.abs(drawn[1] - drawn[2]).mean() < 3
        assert panel.kept > 40


def _pixels(uri):
    """Of a picture on the page, at a common size."""
    picture = Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))
    return np.asarray(picture.convert("RGB").resize((64, 64)), np.float64)


def test_a_picture_that_tells_no_look_is_shown_with_the_reason():
    made = camera()
    panel = report_look.panel(with_pictures(made, jpeg(shown(made).convert("L").convert("RGB"))), OPEN)
    assert "monochrome" in panel.explains and panel.curve == ""
    assert report_look.panel(made, OPEN) is None
    damaged = with_pictures(made, jpeg(shown(made))[:200])
    assert report_look.panel(damaged, OPEN) is None


def test_evaluate_names_what_it_cannot_compare_with(tmp_path):
    source = tmp_path / "a.dng"
    source.write_bytes(raw_bytes())
    assert rawback("evaluate", source, "--against", "magic").returncode == 2
    missing = rawback("evaluate", source, "--quality", "90", "--against", "gray", "--baselines", tmp_path)
    assert missing.returncode == 1 and missing.stderr.count(b"\n") == 1 and b"benchmarks/baselines.py" in missing.stderr


def test_a_report_replaces_reports_only(tmp_path):
    photo, kept, page = tmp_path / "a.dng", tmp_path / "notes.html", tmp_path / "out.html"
    photo.write_bytes(raw_bytes())
    kept.write_text("<p>mine")
    page.write_bytes(b"".join(seal.sealed([f"<!-- {seal.TEXT} -->".encode()])))
    for target in (photo, kept, tmp_path / "nowhere" / "out.html"):
        with pytest.raises(UsageError, match=target.parent.name if "nowhere" in str(target) else target.name):
            report.check_target(target)
    report.check_target(page)


def test_shown_pictures_are_of_the_quality_nearest_to_the_default():
    assert report.shown_quality([75, 85, 95]) == 85 and report.shown_quality([40]) == 40


def test_decoded_picture_of_other_methods_is_what_recover_reads():
    """Coefficients of a flat colour come back as that colour, beyond white too."""
    srgb = np.tile(np.array([1.3, 0.5, -0.1], np.float32)[:, None, None], (1, 32, 32))
    picture = open_loop.encode(srgb, coding(95, "4:2:2", "standard"))
    assert np.allclose(inverse_pass.decoded_strip(picture, 0, 32), srgb, atol=0.01)
