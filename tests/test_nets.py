"""The learned parts: identity at the start, exact inverses, the same in strips, in every Bayer phase, by ONNX and by torch."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scenes import BAYER

from rawback.errors import RawbackError
from rawback.isp import closed_loop, inverse_pass
from rawback.isp.quantisation_tables import coding
from rawback.nets import features, weights
from rawback.picture import Coefficients
from rawback.recipe import Recipe

torch = pytest.importorskip("torch", reason="networks are defined in torch, of the extra [train]")
pytest.importorskip("safetensors")

from rawback.learn import export  # noqa: E402
from rawback.learn.export import Trained  # noqa: E402
from rawback.nets.demosaic import Demosaic  # noqa: E402
from rawback.nets.flow import PAPER, Flow, FrozenInverse  # noqa: E402
from rawback.nets.parts import Demosaicer, Restorer  # noqa: E402
from rawback.nets.restore import Restore  # noqa: E402
from rawback.nets.run_torch import TorchPart, network  # noqa: E402

JPEG = Coefficients(16, 16, [np.zeros((2, 2, 64), np.int16)] * 3, [np.full(64, 5)] * 3)
CODING = coding(90, "4:2:0", "standard")
CONFIG = {"width": 8, "depth": 4}
PHASES = list(BAYER.values())


def recipe(cfa=PHASES[0], refined=False, size=(70, 54)):
    return Recipe(*size, cfa, (0,) * 4, 4095, (0.5, 1, 0.7), ((1, 0, 0), (0, 1, 0), (0, 0, 1)), refined=refined)


def shaken(net, seed=0):
    """The net with weights that do something."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter += 0.03 * torch.randn_like(parameter)
    return net.eval()


@pytest.fixture(scope="module")
def card(tmp_path_factory):
    """Weights of nets that are not trained but do something."""
    nets = {"restore": shaken(Restore(**CONFIG)), "restore_open": shaken(Restore(**CONFIG), 1)}
    nets["demosaic"] = shaken(Demosaic(**CONFIG))
    trained = {part: Trained(net, CONFIG, {}) for part, net in nets.items()}
    return export.export(trained, tmp_path_factory.mktemp("weights"), "shaken", {})


def on_torch(card, part):
    """A part of a card from its safetensors."""
    config = json.loads(card.read_text())["parts"][part]["config"]
    return TorchPart(network(part, config, card.with_suffix(".safetensors")))


@pytest.mark.parametrize("config", [{}, {"cell": 1, "blocks": 2, "width": 4, "depth": 3, "dense": 1}])
def test_flow_starts_as_identity_and_its_inverse_is_exact(config):
    flow, x = Flow(**config), torch.rand(1, 3, 16, 24) * 2 - 0.5
    with torch.no_grad():
        assert torch.equal(flow(x), x)
        y = shaken(flow)(x)
        assert (y - x).abs().max() > 0.01
        assert (flow.inverse(y) - x).abs().max() < 1e-5
        assert torch.allclose(FrozenInverse(flow)(y), flow.inverse(y), atol=1e-6)


def test_flow_of_the_paper_has_the_papers_size():
    assert abs(sum(p.numel() for p in Flow(**PAPER).parameters()) - 1_413_760) < 200


def test_flow_sees_no_further_than_its_halo():
    flow, x = shaken(Flow(blocks=2, depth=3)), torch.rand(1, 3, 96, 8)
    with torch.no_grad():
        cut = flow(x[..., 48 - flow.halo :, :])[..., flow.halo :, :]
        assert torch.allclose(flow(x)[..., 48:, :], cut, atol=1e-5)


def test_restoration_starts_as_identity():
    code = torch.rand(1, 1, 16, 24)
    assert torch.equal(Restore()(code, torch.rand(1, 2, 8, 12), torch.rand(1, features.CONDITIONS)), code)


def test_demosaicing_starts_with_the_classical_chroma():
    chroma = torch.rand(1, 2, 8, 12)
    assert torch.equal(Demosaic()(torch.rand(1, 1, 16, 24), chroma, torch.rand(1, features.CONDITIONS)), chroma)


def test_flow_undoes_itself_by_onnx_and_torch(tmp_path):
    config = {"blocks": 2}
    card = export.export({"flow": Trained(shaken(Flow(**config)), config, {})}, tmp_path, "flow", {})
    planes = np.random.default_rng(0).random((1, 3, 40, 26), np.float32)
    onnx = weights.load(str(card))
    forth = onnx.part("flow")(planes)
    assert np.abs(forth - planes).max() > 0.01
    assert np.abs(onnx.part("flow_inverse")(forth) - planes).max() < 1e-5
    assert np.abs(on_torch(card, "flow")(planes) - forth).max() < 1e-5
    assert np.abs(on_torch(card, "flow_inverse")(forth) - planes).max() < 1e-5


@pytest.mark.parametrize("cfa", PHASES)
def test_parts_give_the_same_in_strips_and_on_torch(card, cfa):
    rng = np.random.default_rng(0)
    balanced, cb, cr = rng.random((3, 150, 71), np.float32)
    restorer = weights.load(str(card)).restorer(recipe(cfa), JPEG, untouched=True)
    whole = restorer(balanced, cb, cr)
    strips = []
    for start in range(0, 150, 32):
        first, stop = max(start - restorer.halo, 0), start + 32
        strip = restorer(*(plane[first : stop + restorer.halo] for plane in (balanced, cb, cr)))
        strips.append(strip[start - first : stop - first])
    by_torch = Restorer(on_torch(card, "restore_open"), recipe(cfa), JPEG, CONFIG["depth"])
    assert whole.shape == balanced.shape
    assert np.abs(whole - balanced).max() > 1e-3
    assert np.abs(whole - np.concatenate(strips)).max() < 1e-5
    assert np.abs(whole - by_torch(balanced, cb, cr)).max() < 1e-5


@pytest.mark.parametrize("cfa", PHASES)
@pytest.mark.parametrize("subsampling", ["4:2:0", "4:4:4"])
def test_open_loop_with_learned_chroma_keeps_the_samples_in_every_phase(card, cfa, subsampling):
    """Without quantisation to speak of, and where chroma is as fine as luma, nothing is lost but by the finest tables."""
    mosaic = np.random.default_rng(0).integers(300, 3000, (70, 54)).astype(np.uint16)
    finest = replace(coding(100, subsampling, "standard"), dead_zone=0.5)
    demosaicer = weights.load(str(card)).demosaicer(recipe(cfa), finest)
    found = {name: inverse_pass.decode(closed_loop.encode(mosaic, recipe(cfa), finest, demosaicer=d), recipe(cfa))
             for name, d in (("learned", demosaicer), ("classical", None))}  # fmt: skip
    learned, classical = (np.abs(found[name].astype(int) - mosaic).mean() for name in ("learned", "classical"))
    assert learned < 40
    assert learned < classical or subsampling == "4:4:4"


def test_learned_chroma_is_the_same_in_strips_and_on_torch(card):
    balanced, cb, cr = np.random.default_rng(0).random((3, 160, 71), np.float32)
    onnx = weights.load(str(card)).demosaicer(recipe(), CODING)
    by_torch = Demosaicer(on_torch(card, "demosaic"), recipe(), CODING, CONFIG["depth"])
    whole = onnx(balanced, cb, cr)
    first = 64 - onnx.halo
    part = onnx(*(plane[first : 96 + onnx.halo] for plane in (balanced, cb, cr)))
    assert np.abs(whole[:, 64:96] - part[:, onnx.halo : onnx.halo + 32]).max() < 1e-5
    assert np.abs(whole - by_torch(balanced, cb, cr)).max() < 1e-5


def test_untouched_closed_loop_and_x_trans_are_left_alone(card):
    loaded = weights.load(str(card))
    x_trans = tuple(tuple((r + c) % 3 for c in range(6)) for r in range(6))
    assert loaded.restorer(recipe(refined=True), JPEG, untouched=True) is None
    assert loaded.restorer(recipe(refined=True), JPEG, untouched=False) is not None
    assert loaded.restorer(recipe(x_trans), JPEG, untouched=True) is None
    assert loaded.demosaicer(recipe(x_trans), CODING) is None
    assert loaded.demosaicer(recipe(refined=True), CODING) is None


def test_conditions_tell_a_coarse_table_from_a_fine_one():
    fine, coarse = (features.conditions(recipe(), [np.full(64, step), np.full(64, step)], (1, 1)) for step in (2, 16))
    assert fine.shape == (features.CONDITIONS,)
    assert np.allclose(coarse[:7] - fine[:7], 3)
    assert np.array_equal(coarse[7:], fine[7:])


def test_unknown_weights_are_refused_with_the_known_names(card, monkeypatch):
    monkeypatch.setenv("RAWBACK_WEIGHTS", str(card.parent))
    assert weights.load("shaken").name == "shaken"
    with pytest.raises(RawbackError, match="shaken"):
        weights.load("no-such-weights")
    with pytest.raises(RawbackError, match="expected the path"):
        weights.load("../shaken")


def test_a_file_in_the_way_does_not_stand_for_weights_of_its_name(card, monkeypatch, tmp_path):
    monkeypatch.setenv("RAWBACK_WEIGHTS", str(card.parent))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shaken").write_text("notes")
    assert weights.load("shaken").folder == card.parent


def test_files_that_do_not_belong_to_the_card_are_refused(card, tmp_path):
    for file in card.parent.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "shaken.demosaic.onnx").write_bytes(b"other")
    with pytest.raises(RawbackError, match="sha256"):
        weights.load(str(tmp_path / "shaken.json")).part("demosaic")
    (tmp_path / "shaken.restore.onnx").unlink()
    with pytest.raises(RawbackError, match="belong together"):
        weights.load(str(tmp_path / "shaken.json")).part("restore")
    (tmp_path / "shaken.json").write_text(json.dumps({"format": 2, "parts": {}}))
    with pytest.raises(RawbackError, match="format 2"):
        weights.load(str(tmp_path / "shaken.json"))
    (tmp_path / "shaken.json").write_text("[]")
    with pytest.raises(RawbackError, match="no card"):
        weights.load(str(tmp_path / "shaken.json"))
