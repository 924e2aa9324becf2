"""Making RAW of photographs, the simulated JPEG, and training from end to end."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from rawback.cameras import sensors as known_sensors
from rawback.errors import RawbackError

torch = pytest.importorskip("torch", reason="training needs torch, of the extra [train]")
pytest.importorskip("safetensors")

from rich.console import Console  # noqa: E402
from safetensors.torch import load_file  # noqa: E402

from rawback.isp import closed_loop, illuminant, inverse_pass, stages  # noqa: E402
from rawback.isp.colour import matrix_from_xyz  # noqa: E402
from rawback.isp.mosaic import BAYER, RGGB, X_TRANS, level, tile  # noqa: E402
from rawback.isp.quantisation_tables import SUBSAMPLING, coding  # noqa: E402
from rawback.learn import data, losses, pairs, sensors, train, unprocess  # noqa: E402
from rawback.learn.jpeg_simulator import ROUNDINGS, JpegSimulator, fourier, soft  # noqa: E402
from rawback.learn.progress import Bar  # noqa: E402
from rawback.nets import features, weights  # noqa: E402


def picture(height=96, width=128, seed=0):
    """A smooth coloured picture, uint8."""
    noise = np.random.default_rng(seed).integers(30, 220, (height // 16, width // 16, 3)).astype(np.uint8)
    return np.asarray(Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC))


def simulator(quality, subsampling, rounding):
    tables = coding(quality, subsampling, "standard")
    luma, chroma = (torch.from_numpy(t.astype(np.float32)) for t in (tables.luma, tables.chroma))
    return JpegSimulator(luma, chroma, SUBSAMPLING[subsampling], rounding)


def planes_of(pixels):
    return torch.from_numpy(pixels.transpose(2, 0, 1)[None].astype(np.float32) / 255)


@pytest.mark.parametrize("subsampling", list(SUBSAMPLING))
@pytest.mark.parametrize("quality", [50, 80, 95])
def test_simulated_jpeg_is_pillows(quality, subsampling):
    stream = io.BytesIO()
    Image.fromarray(picture()).save(stream, "JPEG", quality=quality, subsampling=subsampling)
    decoded = np.asarray(Image.open(stream)).astype(float)
    simulated = simulator(quality, subsampling, "true")(planes_of(picture()))[0].permute(1, 2, 0).numpy() * 255
    assert np.abs(simulated - decoded).mean() < 1
    assert np.percentile(np.abs(simulated - decoded), 99) < 8


@pytest.mark.parametrize("subsampling", list(SUBSAMPLING))
def test_simulated_jpeg_is_the_open_loops(subsampling):
    """Flat or standard tables, what the simulator makes of the extended picture is what `recover` decodes."""
    rng = np.random.default_rng(3)
    mosaic, recipe = pairs.draw_mosaic(picture(seed=3), rng)
    recipe = replace(recipe, refined=False)
    coded = closed_loop.encode(mosaic, recipe, coding(90, subsampling, "standard"))
    decoded = inverse_pass.decoded_strip(coded, 0, coded.height)
    extended = torch.from_numpy(stages.forward(mosaic, recipe)[None])
    simulated = simulator(90, subsampling, "true")(extended)[0].numpy()
    assert np.abs(simulated - decoded).mean() < 0.5 / 255


def test_roundings_agree_at_integers_and_let_gradients_through():
    x = torch.tensor([-2.0, 0.0, 3.0])
    assert torch.allclose(fourier(x), x, atol=1e-4)
    x = torch.linspace(-2, 2, 41)
    assert (fourier(x) - torch.round(x))[(x - torch.floor(x) - 0.5).abs() > 0.3].abs().max() < 0.1
    assert (soft(x) - torch.round(x))[(x - torch.floor(x) - 0.5).abs() > 0.3].abs().max() < 0.1
    for name in ("fourier", "dsq", "straight", "none"):
        y = torch.tensor([0.3, 1.2], requires_grad=True)
        ROUNDINGS[name](y).sum().backward()
        assert y.grad is not None and y.grad.abs().min() > 0


def test_simulator_refuses_what_it_cannot_do():
    with pytest.raises(RawbackError, match="multiples of 16"):
        simulator(90, "4:2:0", "none")(torch.zeros(1, 3, 24, 32))
    with pytest.raises(RawbackError, match="fourier"):
        simulator(90, "4:4:4", "nearest")(torch.zeros(1, 3, 16, 16))


def test_neutral_light_is_neutral_to_a_balanced_sensor():
    for to_camera in known_sensors.published().values():
        assert np.allclose(matrix_from_xyz(to_camera).sum(1), 1)
        daylight, lamp = (1 / sensors.neutral_of(to_camera, illuminant.of_kelvin(kelvin)) for kelvin in (5500, 2850))
        assert 1 < daylight[0] / daylight[1] < 3.2 and 1 < daylight[2] / daylight[1] < 2.6
        assert lamp[0] / lamp[2] < daylight[0] / daylight[2]  # a lamp is redder: it needs less red gain


def test_unprocessed_highlights_saturate_where_their_channel_does():
    sensor = unprocess.Sensor(np.eye(3), np.array([0.5, 1, 0.625]), RGGB, (0.0, 0.0), 64, 1023)
    mosaic = unprocess.measure(np.full((8, 8, 3), 1.5, np.float32), sensor, np.random.default_rng(0))
    assert mosaic[0, 0] == round(64 + 0.75 * 959)  # red at 1.5 of 2
    assert mosaic[0, 1] == 1023
    assert mosaic[1, 1] == round(64 + 1.5 / 1.6 * 959)


def test_noise_has_the_models_variance():
    sensor = unprocess.Sensor(np.eye(3), np.ones(3), RGGB, (1e-4, 1e-5), 0, 16383)
    mosaic = unprocess.measure(np.full((256, 256, 3), 0.4, np.float32), sensor, np.random.default_rng(0))
    assert (mosaic / 16383).var() == pytest.approx(1e-4 * 0.4 + 1e-5, rel=0.03)


def test_every_cfa_can_be_unprocessed_and_the_same_seed_gives_the_same():
    for cfa in (*BAYER.values(), X_TRANS):
        made = []
        for _ in range(2):
            rng = np.random.default_rng(5)
            sensor = sensors.draw_any(rng, cfa)
            made.append(unprocess.measure(unprocess.expose(pairs.draw_light(picture(), rng), sensor), sensor, rng))
        assert np.array_equal(*made)
        assert made[0].dtype == np.uint16 and made[0].max() <= sensor.white


def test_torch_and_numpy_agree_about_the_domain():
    code = np.linspace(-0.1, 1.9, 500, dtype=np.float32)
    expected = np.maximum(features.decode(code), 0)
    assert np.allclose(losses.linear(torch.from_numpy(code)).numpy(), expected, rtol=1e-4, atol=1e-6)


def test_a_pair_is_what_recover_finds():
    mosaic, recipe = pairs.draw_mosaic(picture(), np.random.default_rng(1))
    coded = closed_loop.encode(mosaic, recipe, coding(95, "4:4:4", "raw"))
    pair = pairs.pair_of(coded, recipe)
    found = features.decode(pair.code.astype(np.float32) / pairs.CODE_SCALE - np.float32(pairs.CODE_OFFSET))
    samples = np.clip(found / tile(inverse_pass.sample_gains(recipe), *mosaic.shape), 0, 1)
    assert np.abs(samples - np.clip(level(inverse_pass.decode(coded, recipe), recipe), 0, 1)).max() < 3e-3


@pytest.mark.slow
def test_training_runs_resumes_and_its_weights_load(tmp_path):
    for i in range(3):
        Image.fromarray(picture(seed=i)).save(tmp_path / f"{i}.png" if i == 0 else tmp_path / f"{i}.jpg")
    options = train.TrainOptions(parts=tuple(train.TASKS), steps=2, every=2, crops=(1, 1), side=64, batch=2, device="cpu")
    card = train.train(tmp_path, tmp_path / "out", "tiny", options)
    told = json.loads(card.read_text())
    assert set(told["parts"]) == {"restore", "restore_open", "restore_photo", "demosaic", "flow", "flow_inverse"}
    assert len(json.loads((tmp_path / "out/tiny.training/photographs.json").read_text())) == 3
    again = json.loads(train.train(tmp_path, tmp_path / "out", "tiny", options).read_text())  # all is done: resumes at its end
    assert again["parts"]["restore"]["sha256"] == told["parts"]["restore"]["sha256"]
    assert weights.load(str(card)).part("demosaic") is not None
    exported = train.export_training(tmp_path / "out/tiny.training", tmp_path / "again", "other")
    assert json.loads(exported.read_text())["parts"] == told["parts"]


def test_an_interrupted_training_ends_where_a_whole_one_does(tmp_path):
    for i in range(2):
        Image.fromarray(picture(seed=i)).save(tmp_path / f"{i}.jpg")
    options = train.TrainOptions(parts=("demosaic",), steps=4, every=2, crops=(2, 1), side=64, batch=2, device="cpu")
    whole = train.train(tmp_path, tmp_path / "a", "tiny", options)
    task = train.TASKS["demosaic"](tmp_path / "a/tiny.training", (2, 1), 1, train.CONFIGS["demosaic"])
    (tmp_path / "b").mkdir()
    first = train.Training(task, tmp_path / "b", options)
    while first.state.step < 2:
        first._step()
    first._validate()
    second = train.Training(task, tmp_path / "b", options)
    assert second.state.step == 2
    net = second.run(Console(stderr=True)).net
    expected = load_file(whole.parent / "tiny.safetensors")
    assert all(torch.allclose(expected[f"demosaic.{k}"], v, atol=1e-6) for k, v in net.state_dict().items())


def test_a_cameras_weights_start_from_others_and_rest_on_them(tmp_path, monkeypatch):
    Image.fromarray(picture(seed=1)).save(tmp_path / "1.jpg")
    options = train.TrainOptions(parts=("demosaic",), steps=1, every=1, crops=(1, 1), side=64, batch=1, device="cpu")
    first = train.train(tmp_path, tmp_path, "first", options)
    more = replace(options, parts=("restore_open",), start=str(first), camera="nikon-d700")
    card = json.loads(train.train(tmp_path, tmp_path, "second", more).read_text())
    assert card["base"] == "first"
    assert set(card["parts"]) == {"restore_open"}
    monkeypatch.setenv("RAWBACK_WEIGHTS", str(tmp_path))
    loaded = weights.load("second")
    plain = replace(pairs.recipe_of(sensors.draw_any(np.random.default_rng(0), RGGB), (64, 64)), refined=False)
    assert loaded.demosaicer(plain, coding(90, "4:2:0", "standard")) is not None
    with pytest.raises(RawbackError, match="Bayer"):
        pairs.sensor_of("fujifilm-x-t3")


def test_wrong_options_and_empty_folders_are_refused(tmp_path):
    with pytest.raises(RawbackError, match="no checkpoints"):
        train.export_training(tmp_path, tmp_path, "none")
    with pytest.raises(RawbackError, match="no photographs"):
        data.find(tmp_path)
    with pytest.raises(RawbackError, match="restore"):
        train.TrainOptions(parts=("restor",))
    with pytest.raises(RawbackError, match="multiple of 16"):
        train.TrainOptions(side=100)


def test_a_short_training_makes_few_examples_and_a_long_one_all():
    assert train._crops("demosaic", train.TrainOptions(steps=5)) == (20, 2)
    assert train._crops("demosaic", train.TrainOptions()) == train.CROPS["demosaic"]


def test_progress_is_said_without_a_terminal():
    stream = io.StringIO()
    with Bar(Console(file=stream), "demosaic: examples", 40) as (bar, at):
        for done in range(1, 41):
            bar.update(at, completed=done)
    assert stream.getvalue().splitlines() == ["demosaic: examples: 1 of 40", "demosaic: examples: 40 of 40"]
