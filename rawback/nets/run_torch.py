"""Parts run on torch, as training does: the same results from the same weights, on a GPU where there is one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from rawback.errors import RawbackError
from rawback.nets.demosaic import Demosaic
from rawback.nets.flow import Flow, FrozenInverse
from rawback.nets.restore import Restore
from rawback.nets.restore_photo import RestorePhoto

NETS = {"restore": Restore, "restore_open": Restore, "demosaic": Demosaic, "flow": Flow, "restore_photo": RestorePhoto}
"""By the name of their part in a card."""


class TorchPart:
    """One network with its weights."""

    def __init__(self, net: torch.nn.Module, device: str | None = None) -> None:
        """device: None takes CUDA where there is one."""
        self.device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        self.net = net.eval().to(self.device)

    def __call__(self, *arrays: np.ndarray) -> np.ndarray:
        """Inputs in the order of the network's `forward`, float32 -> its output."""
        with torch.inference_mode():
            return (
                self.net(*(torch.from_numpy(np.ascontiguousarray(a, np.float32)).to(self.device) for a in arrays)).cpu().numpy()
            )


def network(part: str, config: dict[str, int], weights: Path | None = None) -> torch.nn.Module:
    """Build a part's network, with its weights from a safetensors file (names PART.*). Raises RawbackError."""
    stored = part.removesuffix("_inverse")
    if stored not in NETS:
        raise RawbackError(f"the weights list a part {part!r}, unknown to this rawback; update it")
    net = NETS[stored](**config)
    if weights is not None:
        own = {k[len(stored) + 1 :]: v for k, v in load_file(weights).items() if k.startswith(stored + ".")}
        try:
            net.load_state_dict(own)
        except RuntimeError as error:
            raise RawbackError(
                f"{weights}: holds no weights for {part} {config}; were the files mixed up? ({error})"
            ) from error
    return FrozenInverse(net) if isinstance(net, Flow) and part != stored else net
