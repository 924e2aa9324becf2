"""What the flow is compared with: nets that begin as the identity, learn, and go into ONNX."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch, of the extra [train]")
pytest.importorskip("safetensors")

from rawback.learn.baseline_nets import CONFIGS, FlowPair, network  # noqa: E402
from rawback.learn.baselines import BaselineTask, write  # noqa: E402
from rawback.learn.jpeg_simulator import ROUNDINGS  # noqa: E402
from rawback.learn.shards import FLOW, SIDE  # noqa: E402
from rawback.nets import weights  # noqa: E402


def planes(side=48, seed=0):
    return torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(seed))


def stirred(net):
    """Every parameter moved a little, so that the net is no identity any more."""
    with torch.no_grad():
        for parameter in net.parameters():
            parameter += 0.02 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1))
    return net


@pytest.mark.parametrize("method", CONFIGS)
def test_untrained_pairs_change_nothing(method):
    net = network(method, CONFIGS[method])
    assert torch.allclose(net.render(planes()), planes(), atol=1e-5)
    assert torch.allclose(net.recover(planes()), planes(), atol=1e-5)


def test_only_the_flow_is_its_own_inverse():
    for method in ("flow", "unet"):
        net = stirred(network(method, CONFIGS[method]))
        back = net.recover(net.render(planes()))
        assert torch.allclose(back, planes(), atol=1e-4) == isinstance(net, FlowPair)


def examples(tmp_path, method, **options):
    """A task whose crops are smooth coloured light, and a batch of it."""
    task = BaselineTask(tmp_path, (2, 1), 1, method, **options)
    light = np.linspace(2000, 30000, SIDE, dtype=np.uint16)
    for shards in task.shards:
        assert set(shards.arrays) == set(FLOW)
        for name in ("picture", "look"):
            shards[name][:] = light
        shards["mosaic"][:] = light
    return task, task.batch(task.shards[0], np.array([0, 1]), 32, np.random.default_rng(0))


@pytest.mark.parametrize("method", [name for name in CONFIGS if name != "paper"])
def test_every_part_that_is_trained_has_a_gradient(tmp_path, method):
    task, batch = examples(tmp_path, method)
    net = stirred(task.network())
    task.loss(net, batch).backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in net.parameters())


def test_the_unets_do_not_learn_from_one_another(tmp_path):
    task, batch = examples(tmp_path, "unet")
    net = stirred(task.network())
    for parameter in net.back.parameters():
        parameter.requires_grad_(False)
    task.loss(net, batch).backward()
    alone = [p.grad.clone() for p in net.there.parameters()]
    net.zero_grad()
    shown, look = net.render(batch[0]), batch[1]
    (shown.clamp(0, 1) - look.clamp(0, 1)).abs().mean().backward()
    assert all(torch.allclose(a, p.grad, atol=1e-7) for a, p in zip(alone, net.there.parameters(), strict=True))


def test_training_may_be_kept_to_one_subsampling(tmp_path):
    task, _ = examples(tmp_path, "flow", subsampling="4:2:2", rounding="dsq")
    drawn = [task.batch(task.shards[0], np.array([0]), 32, np.random.default_rng(i))[-1][1] for i in range(6)]
    assert {int(n) for n in drawn} == {1} and task.rounding in ROUNDINGS


@pytest.mark.parametrize("method", ["flow", "unet", "cycleisp", "gray"])
def test_graphs_say_what_the_nets_say(tmp_path, method):
    net = stirred(network(method, CONFIGS[method])).eval()
    loaded = weights.load(str(write(net, method, tmp_path, {})))
    assert ("flow" in loaded.card["parts"]) == (method != "cycleisp")
    with torch.no_grad():
        expected = net.recover(planes(64)).numpy()
    assert np.abs(loaded.part("flow_inverse")(planes(64).numpy()) - expected).max() < 1e-4
