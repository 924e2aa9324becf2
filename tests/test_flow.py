"""The paper's system from end to end: the flow in `render`, its inverse in `recover`, the recipe that names its weights."""

import re
from dataclasses import replace

import numpy as np
import pytest
from scenes import BAYER, SAMPLE
from small import raw_bytes

import rawback
from rawback import RenderOptions
from rawback.cameras import cards
from rawback.cameras import sensors as known_sensors
from rawback.errors import RawbackError
from rawback.evaluate import evaluate
from rawback.files import jpeg, raw
from rawback.isp import closed_loop, inverse_pass
from rawback.isp.quantisation_tables import coding
from rawback.metrics import mosaic_psnr
from rawback.nets import weights

torch = pytest.importorskip("torch", reason="networks are defined in torch, of the extra [train]")
pytest.importorskip("safetensors")

from rawback.learn import export  # noqa: E402
from rawback.learn.export import Trained  # noqa: E402
from rawback.nets.flow import Flow  # noqa: E402

CONFIG = {"cell": 2, "blocks": 2, "width": 4, "depth": 3, "dense": 0}
OPEN = RenderOptions(refine=False, tables="standard", subsampling="4:4:4", quality=100, exposure=0.0)


def made(folder, seed=0):
    """The card of a flow that changes pictures visibly."""
    torch.manual_seed(seed)
    net = Flow(**CONFIG)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter += 0.03 * torch.randn_like(parameter)
    return str(export.export({"flow": Trained(net.eval(), CONFIG, {})}, folder, "shaken", {}))


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """The flow, found by its name."""
    (tmp_path / "weights").mkdir()
    monkeypatch.setenv("RAWBACK_WEIGHTS", str(tmp_path / "weights"))
    return made(tmp_path / "weights")


@pytest.fixture
def photo(tmp_path):
    """A RAW file."""
    path = tmp_path / "a.dng"
    path.write_bytes(raw_bytes(5, 96, 74))
    return path


def rendered(photo, tmp_path, options):
    path = tmp_path / "a.jpg"
    path.write_bytes(rawback.render(photo, options).data)
    return path


@pytest.mark.parametrize("cfa", BAYER.values(), ids=BAYER)
@pytest.mark.parametrize("size", [(530, 1024), (75, 63)], ids=["strips", "odd"])
def test_the_flow_is_undone_in_every_phase_and_strip(installed, cfa, size):
    """At the finest tables what is left is the rounding of coefficients, as without a flow."""
    mosaic = np.random.default_rng(0).integers(300, 3000, size).astype(np.uint16)
    small = raw.read(raw_bytes(), "small").recipe
    recipe = replace(small, width=size[1], height=size[0], cfa=cfa, black=(0.0,) * 4, white=4095, refined=False, crop=None)
    tables, loaded = replace(coding(100, "4:4:4", "standard"), dead_zone=0.5), weights.load(installed)
    plain = closed_loop.encode(mosaic, recipe, tables)
    sent = closed_loop.encode(mosaic, recipe, tables, flow=loaded.flow(recipe))
    assert np.mean(plain.planes[0] != sent.planes[0]) > 0.5
    found = inverse_pass.decode(replace(sent, undo=loaded.flow_inverse(recipe)), recipe)
    edge = (slice(None, -8), slice(None, -8))  # an odd side has half a cell, which the flow cannot see whole
    reached = [mosaic_psnr(mosaic[edge], f[edge], recipe) for f in (inverse_pass.decode(plain, recipe), found)]
    assert reached[1] > reached[0] - 3


def test_recover_finds_the_flow_by_the_recipe(installed, photo, tmp_path):
    path = rendered(photo, tmp_path, replace(OPEN, weights="shaken"))
    recipe = jpeg.read(path.read_bytes(), "a").recipe
    assert recipe.flow and recipe.weights == "shaken" and recipe.weights_sha256 == weights.load(installed).sha256
    file = raw.read(photo.read_bytes(), "a")
    assert mosaic_psnr(file.mosaic, rawback.recover(path).mosaic, file.recipe) > 50
    assert np.abs(rawback.recover(path, linear=True).mosaic[::2, ::2, 0] / 65535 * (file.recipe.white - file.recipe.black[0])
                  + file.recipe.black[0] - file.mosaic[::2, ::2]).mean() < 0.01 * file.recipe.white  # fmt: skip


def test_the_closed_loop_goes_without(installed, photo, tmp_path):
    recipe = jpeg.read(rendered(photo, tmp_path, replace(OPEN, refine=True, weights="shaken")).read_bytes(), "a").recipe
    assert not recipe.flow and not recipe.weights


def test_another_flow_is_refused_and_a_missing_one_is_named(installed, photo, tmp_path, monkeypatch):
    path = rendered(photo, tmp_path, replace(OPEN, weights="shaken"))
    monkeypatch.delenv("RAWBACK_WEIGHTS")
    with pytest.raises(RawbackError, match="'shaken', which are not installed"):
        rawback.recover(path)
    assert rawback.recover(path, weights=installed).mosaic.size
    (tmp_path / "other").mkdir()
    with pytest.raises(RawbackError, match="not those that it was rendered with"):
        rawback.recover(path, weights=made(tmp_path / "other", seed=1))


def test_a_recipe_cannot_name_a_path(installed, photo, tmp_path, monkeypatch):
    """Recipes come from files that nobody can trust."""
    path = rendered(photo, tmp_path, replace(OPEN, weights="shaken"))
    monkeypatch.delenv("RAWBACK_WEIGHTS")
    data = path.read_bytes()
    assert data.count(b'"shaken"') == 1
    path.write_bytes(data.replace(b'"shaken"', b'"/.json"'))
    with pytest.raises(RawbackError, match="not installed"):
        rawback.recover(path)


def test_the_bundled_system_of_the_paper_gains_on_the_sample():
    """More of the RAW in fewer bytes than nothing learned: enough to be the trained flow, and the way back its own."""
    options = RenderOptions(exposure=0.0, weights="paper-1")
    flow, plain = evaluate.evaluate(SAMPLE, options, [90], ["open", "classical"], crop=384)
    assert flow["raw_db"] > plain["raw_db"] + 0.3 and flow["lin_db"] > plain["lin_db"] + 0.3
    assert flow["bits_per_photosite"] < plain["bits_per_photosite"]


@pytest.mark.parametrize("name", known_sensors.names())
def test_every_camera_says_what_the_papers_system_would_gain(name):
    said = cards.describe(cards.card_of(name))
    assert re.search(r"the paper's system [+-]\d\.\d\d / .* generic-2 [+-]\d\.\d\d / ", said) or "X-Trans" in said
