"""CMYK pictures, brought to sRGB by the profile that they carry: without one nobody knows their colours."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageCms

from rawback.errors import RawbackError

MODE, SPACE = "CMYK", b"CMYK"


def to_srgb(image: Image.Image, name: str) -> np.ndarray:
    """(H, W, 3) uint8 sRGB. Raises RawbackError where there is no profile, or it cannot be used."""
    icc = image.info.get("icc_profile") or b""
    if not isinstance(icc, bytes) or icc[16:20] != SPACE:
        raise RawbackError(f"{name} is a CMYK picture without a profile, whose colours nobody knows; convert it to sRGB first")
    try:
        own, srgb = ImageCms.ImageCmsProfile(io.BytesIO(icc)), ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, own, srgb, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError) as error:
        raise RawbackError(f"{name} is a CMYK picture whose profile cannot be used; convert it to sRGB first") from error
    if converted is None:
        raise RawbackError(f"{name} is a CMYK picture whose profile cannot be used; convert it to sRGB first")
    return np.asarray(converted)


def is_profile(icc: bytes) -> bool:
    """Whether a profile is of CMYK, and so of no use for a picture that was brought to sRGB."""
    return icc[16:20] == SPACE
