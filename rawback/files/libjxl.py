"""libjxl as imagecodecs brings it: it makes JPEGs JPEG XL at more effort than imagecodecs asks it for (extra [jxl])."""

from __future__ import annotations

import ctypes
import importlib.util
from functools import cache
from pathlib import Path

EFFORT = 8
"""libjxl's own is 7. Fewer bytes by 0.6 % of 12 megapixels, by 0.1 to 7 of 640 x 640; 9 takes five times as long for 0.2."""
EFFORT_OPTION = 0
"""JXL_ENC_FRAME_SETTING_EFFORT of jxl/encode.h, as the numbers below."""
SUCCESS, MORE_OUTPUT = 0, 2
"""JXL_ENC_SUCCESS, JXL_ENC_NEED_MORE_OUTPUT."""
PLACES = (("../imagecodecs.libs", "libjxl-*.so*"), (".dylibs", "libjxl.*.dylib"))
"""Where wheels of imagecodecs hold it: folder beside its modules, and file name. On Windows it is part of a module."""
PART = 1 << 20
"""Bytes of output fetched at a time."""

_POINTER, _SIZE, _INT = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
_SIGNATURES = {
    "JxlEncoderCreate": (_POINTER, (_POINTER,)), "JxlEncoderDestroy": (None, (_POINTER,)),
    "JxlEncoderUseContainer": (_INT, (_POINTER, _INT)), "JxlEncoderStoreJPEGMetadata": (_INT, (_POINTER, _INT)),
    "JxlEncoderFrameSettingsCreate": (_POINTER, (_POINTER, _POINTER)),
    "JxlEncoderFrameSettingsSetOption": (_INT, (_POINTER, _INT, ctypes.c_int64)),
    "JxlEncoderAddJPEGFrame": (_INT, (_POINTER, ctypes.c_char_p, _SIZE)), "JxlEncoderCloseInput": (None, (_POINTER,)),
    "JxlEncoderProcessOutput": (_INT, (_POINTER, ctypes.POINTER(_POINTER), ctypes.POINTER(_SIZE))),
}  # fmt: skip


@cache
def library() -> ctypes.CDLL | None:
    """None where it cannot be had."""
    spec = importlib.util.find_spec("imagecodecs")
    if spec is None or spec.origin is None:
        return None
    modules = Path(spec.origin).parent
    for path in (path for folder, name in PLACES for path in sorted((modules / folder).glob(name))):
        try:
            found = ctypes.CDLL(str(path))
            for name, (result, arguments) in _SIGNATURES.items():
                function = getattr(found, name)
                function.restype, function.argtypes = result, arguments
        except (OSError, AttributeError):
            continue
        return found
    return None


def transcoded(jpeg: bytes) -> bytes | None:
    """A JPEG in JPEG XL's boxes, with what gives it back byte for byte; None where this cannot be had or does not take it."""
    jxl = library()
    encoder = jxl.JxlEncoderCreate(None) if jxl else None
    if jxl is None or encoder is None:
        return None
    try:
        settings = jxl.JxlEncoderFrameSettingsCreate(encoder, None)
        answers = (
            jxl.JxlEncoderUseContainer(encoder, 1),
            jxl.JxlEncoderStoreJPEGMetadata(encoder, 1),
            jxl.JxlEncoderFrameSettingsSetOption(settings, EFFORT_OPTION, EFFORT),
            jxl.JxlEncoderAddJPEGFrame(settings, jpeg, len(jpeg)),
        )
        if any(answer != SUCCESS for answer in answers):
            return None
        jxl.JxlEncoderCloseInput(encoder)
        return _output(jxl, encoder)
    finally:
        jxl.JxlEncoderDestroy(encoder)


def _output(jxl: ctypes.CDLL, encoder: int) -> bytes | None:
    """All that the encoder has to write; None if it fails."""
    part, parts, answer = ctypes.create_string_buffer(PART), [], MORE_OUTPUT
    while answer == MORE_OUTPUT:
        at, left = _POINTER(ctypes.addressof(part)), _SIZE(PART)
        answer = jxl.JxlEncoderProcessOutput(encoder, ctypes.byref(at), ctypes.byref(left))
        parts.append(part.raw[: PART - left.value])
    return b"".join(parts) if answer == SUCCESS else None
