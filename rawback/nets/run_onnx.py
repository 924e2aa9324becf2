"""Parts run on ONNX Runtime, as `render` and `recover` do."""

from __future__ import annotations

import numpy as np
import onnxruntime

from rawback.errors import RawbackError

onnxruntime.disable_telemetry_events()  # nothing leaves the machine, nor is a place for it made in the home folder


class OnnxPart:
    """One ONNX graph on the CPU. Calls from several threads at once are fine: each runs on its own thread alone."""

    def __init__(self, data: bytes, name: str) -> None:
        """data: the .onnx file; name: for error messages."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self.session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # the runtime's exceptions share no base class of its own
            raise RawbackError(
                f"{name} is no ONNX graph that onnxruntime {onnxruntime.__version__} can run ({error})"
            ) from error
        self.inputs = [node.name for node in self.session.get_inputs()]

    def __call__(self, *arrays: np.ndarray) -> np.ndarray:
        """Inputs in the graph's order, float32 -> its one output."""
        feed = {name: np.ascontiguousarray(a, np.float32) for name, a in zip(self.inputs, arrays, strict=True)}
        return self.session.run(None, feed)[0]
