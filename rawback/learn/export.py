"""Trained networks -> weights: a card, one ONNX graph for each part, safetensors for torch."""

from __future__ import annotations

import hashlib
import io
import json
import warnings
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

from rawback.cameras.cards import FORMAT
from rawback.nets.features import CONDITIONS
from rawback.nets.flow import Flow, FrozenInverse
from rawback.nets.restore_photo import KNOWN

OPSET = 17
"""Of ONNX; onnxruntime knows it since 1.12."""
USE = {"restore": ["resaved"], "restore_open": ["open"], "restore_photo": ["foreign"]}
"""For which JPEGs a restoration is used: closed loops that another program saved again, open ones, or photos that rawback did
not render; an untouched closed loop needs none."""


@dataclass
class Trained:
    """A network with its averaged weights, and what it reached."""

    net: nn.Module
    config: dict[str, int]
    figures: dict[str, list[float] | int]


def example(part: str) -> tuple[tuple[torch.Tensor, ...], list[str], dict[str, dict[int, str]]]:
    """Inputs to trace a part with, their names, and which of their sides are free."""
    code, free_half = torch.zeros(1, 1, 64, 48), {2: "half height", 3: "half width"}
    if part == "restore_photo":
        free = {"luma": {2: "height", 3: "width"}, "chroma": free_half, "out": free_half}
        return (code, torch.zeros(1, 2, 32, 24), torch.zeros(1, KNOWN)), ["luma", "chroma", "conditions"], free
    if part in (*USE, "demosaic"):
        free = {"code": {2: "height", 3: "width"}, "chroma": {2: "half height", 3: "half width"}}
        return (code, torch.zeros(1, 2, 32, 24), torch.zeros(1, CONDITIONS)), ["code", "chroma", "conditions"], free
    return (torch.zeros(1, 3, 64, 48),), ["planes"], {"planes": {2: "height", 3: "width"}}


def to_onnx(net: nn.Module, part: str) -> bytes:
    """An ONNX graph with free height and width; one output, "out"."""
    inputs, names, free = example(part)
    options = {"input_names": names, "output_names": ["out"], "dynamic_axes": {"out": {2: "height", 3: "width"}} | free}
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(net.eval(), inputs, stream, opset_version=OPSET, dynamo=False, **options)  # type: ignore[arg-type]
    return stream.getvalue()


def graphs(part: str, net: nn.Module) -> list[tuple[str, nn.Module]]:
    """The ONNX graphs of a part: a flow has one for each direction."""
    return [(part, net), ("flow_inverse", FrozenInverse(net))] if isinstance(net, Flow) else [(part, net)]


def export(trained: dict[str, Trained], folder: Path, name: str, facts: dict, base: str | None = None) -> Path:
    """Write NAME.PART.onnx, NAME.safetensors and NAME.json into the folder. Returns the card's path.

    base: the name of weights whose parts stand for those that these do not have.
    """
    folder.mkdir(parents=True, exist_ok=True)
    parts: dict[str, dict] = {}
    tensors: dict[str, torch.Tensor] = {}
    for part, result in trained.items():
        for listed, net in graphs(part, result.net):
            graph = to_onnx(net, listed)
            (folder / f"{name}.{listed}.onnx").write_bytes(graph)
            parts[listed] = {
                "config": result.config,
                "sha256": hashlib.sha256(graph).hexdigest(),
                "parameters": sum(p.numel() for p in net.parameters()),
                "figures": result.figures,
            }
        if part in USE:
            parts[part]["use"] = USE[part]
        tensors |= {f"{part}.{k}": v.detach().contiguous() for k, v in result.net.state_dict().items()}
    save_file(tensors, folder / f"{name}.safetensors", {"name": name, "format": str(FORMAT)})
    (folder / f"{name}.safetensors").chmod(0o644)  # safetensors' own mode is for its owner only
    card = {
        "name": name,
        "format": FORMAT,
        "parts": parts,
        "safetensors_sha256": sha256_of(folder / f"{name}.safetensors"),
        "training": facts,
    }
    if base:
        card["base"] = base
    path = folder / f"{name}.json"
    path.write_text(json.dumps(card, indent=1) + "\n")
    return path


def sha256_of(path: Path) -> str:
    """Of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
