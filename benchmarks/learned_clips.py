"""What a small restoration gains on clips that were encoded again, from one frame and from three: trains both, prints a table.

    python benchmarks/learned_clips.py PHOTOS/ --work FOLDER [--films 87 13] [--seconds 140]

Both start from the restoration of open loops of the default weights and learn from the same examples (`clip_films.py`) for the
same CPU seconds; the one that sees three frames is given the differences to its neighbours, brought to it by the motion that
`isp/motion.py` finds, as 32 more channels that begin without a say. Gains are those of held-out photographs, raw and lin dB.
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

import clip_films
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rawback.cameras.cards import DEFAULT_WEIGHTS
from rawback.learn import data, losses, pairs
from rawback.learn.shards import SIDE
from rawback.learn.tasks import codes, corner
from rawback.nets import run_torch, weights
from rawback.nets.cells import MIDDLE, Cells, Conditioned, OutOf, steadied
from rawback.nets.features import CONDITIONS, GAINS, REFINED
from rawback.nets.restore import Restore

RATE, BATCH, SQUARE, JUDGED, EDGE = 1e-3, 8, 128, 384, 16


class RestoreClip(nn.Module):
    """`Restore` that may see the frames beside it."""

    def __init__(self, start: Restore, beside: bool) -> None:
        super().__init__()
        self.cells, self.out_of, self.beside = Cells(), OutOf(), beside
        width, depth = start.net.width, start.net.depth
        self.net = Conditioned(Cells.CHANNELS + 32 * beside, width, depth, 16, CONDITIONS)
        known = start.net.state_dict()
        missing = self.net.first.in_channels - known["first.weight"].shape[1]
        known["first.weight"] = F.pad(known["first.weight"], (0, 0, 0, 0, 0, missing))
        self.net.load_state_dict(known)

    def forward(self, code: Tensor, before: Tensor, after: Tensor, chroma: Tensor, conditions: Tensor) -> Tensor:
        """RGGB codes (N, 1, H, W), chroma (N, 2, H / 2, W / 2), (N, CONDITIONS) -> code."""
        quads = F.pixel_unshuffle(code, 2)
        seen, srgb = self.cells(code, quads, chroma, conditions)
        if self.beside:
            seen = torch.cat([seen, *(self.cells.into(other - code + MIDDLE) for other in (before, after))], 1)
        change = F.pixel_unshuffle(self.out_of(self.net(seen, conditions)), 2)
        return F.pixel_shuffle(quads + steadied(change, quads, srgb, conditions[:, REFINED]), 2)


def examples(photos: Path, work: Path, validation: bool, count: int) -> dict[str, np.ndarray]:
    """Drawn once, then kept in the folder."""
    path = work / f"{'val' if validation else 'train'}-{count}.npz"
    if not path.exists():
        paths = [source.path for source in data.find(photos) if source.validation == validation and not source.raw]
        drawn = [clip_films.draw(paths[n % len(paths)], SIDE, np.random.default_rng((1 + validation, n))) for n in range(count)]
        np.savez(path, **{name: np.stack([one[name] for one in drawn]) for name in drawn[0]})
    return dict(np.load(path))


def batch(of: dict[str, np.ndarray], picks: np.ndarray, side: int, rng: np.random.Generator) -> tuple[list[Tensor], Tensor]:
    """Squares of the examples: what the net sees, and the target."""
    rows = []
    for film, which in (divmod(int(pick), 4) for pick in picks):
        y, x = corner(side, rng)
        square, half = np.s_[y : y + side, x : x + side], np.s_[:, y // 2 : (y + side) // 2, x // 2 : (x + side) // 2]
        planes = [of[name][film, which][square] for name in ("code", "before", "after")] + [of["target"][film][square]]
        chroma = of["chroma"][film, which][half]
        if rng.random() < 0.5:
            planes[1], planes[2] = planes[2], planes[1]
        if rng.random() < 0.5:  # transposed, RGGB stays RGGB
            planes, chroma = [plane.T for plane in planes], chroma.swapaxes(1, 2)
        colours = torch.from_numpy(chroma.astype(np.float32)) / pairs.CHROMA_SCALE
        rows.append([*(codes(plane)[None] for plane in planes), colours, torch.from_numpy(of["conditions"][film, which])])
    code, before, after, target, chroma, conditions = (torch.stack(column) for column in zip(*rows, strict=True))
    return [code, before, after, chroma, conditions], target


def fit(net: RestoreClip, of: dict[str, np.ndarray], seconds: float) -> int:
    """Train for so many seconds of the CPU; the net ends as the average of its last steps. Returns how many there were."""
    optimiser, start, step = torch.optim.Adam(net.parameters(), betas=(0.9, 0.99)), time.process_time(), 0
    average = {key: value.clone() for key, value in net.state_dict().items()}
    while (done := (time.process_time() - start) / seconds) < 1:
        rng = np.random.default_rng((0, step))
        seen, target = batch(of, rng.integers(4 * len(of["code"]), size=BATCH), SQUARE, rng)
        loss = losses.decibel_loss(net(*seen), target, 2 ** seen[-1][:, GAINS])
        for group in optimiser.param_groups:
            group["lr"] = RATE * min(1, (step + 1) / 50) * (1 + math.cos(math.pi * done)) / 2
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        step += 1
        with torch.no_grad():
            for key, value in net.state_dict().items():
                average[key].lerp_(value, 1 - min(0.99, step / (step + 20)))
    net.load_state_dict(average)
    return step


@torch.no_grad()
def judged(net: RestoreClip, of: dict[str, np.ndarray]) -> np.ndarray:
    """dB gained in every clip, (clips, 2): raw, lin."""
    rows, inner, rng = [], (..., slice(EDGE, -EDGE), slice(EDGE, -EDGE)), np.random.default_rng(0)
    for pick in range(4 * len(of["code"])):
        seen, target = batch(of, np.array([pick]), JUDGED, rng)
        gains = 2 ** seen[-1][:, GAINS]
        after, before = (losses.decibels(code[inner], target[inner], gains) for code in (net(*seen), seen[0]))
        rows.append((after - before)[0].numpy())
    return np.array(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--films", nargs=2, type=int, default=(87, 13), help="to train and to judge on; four clips of each")
    parser.add_argument("--seconds", type=float, default=140)
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    train, held_out = (examples(args.photos, args.work, bool(n), count) for n, count in enumerate(args.films))
    known = weights.load(DEFAULT_WEIGHTS)
    config, path = known.card["parts"]["restore_open"]["config"], known.folder / f"{known.name}.safetensors"
    print("| frames seen | steps | raw, lin dB gained | least | clips that lose |\n|---|---|---|---|---|")
    for beside in (False, True):
        start = run_torch.network("restore_open", config, path)
        assert isinstance(start, Restore)
        net = RestoreClip(start, beside)
        steps = fit(net, train, args.seconds)
        gains = judged(net, held_out)
        (raw, lin), lost = gains.mean(0), (gains.min(1) < -0.05).mean()
        print(f"| {3 if beside else 1} | {steps} | {raw:+.2f} {lin:+.2f} | {gains.min():+.2f} | {lost:.0%} |", flush=True)


if __name__ == "__main__":
    main()
