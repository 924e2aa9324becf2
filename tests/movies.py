"""Small clips with a known answer, for the tests about movies."""

from __future__ import annotations

import math
import wave
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from scenes import garden, recipe_of

from rawback.clips import reader
from rawback.files import raw
from rawback.files.video import cinema_dng, timecode

NTSC = Fraction(24000, 1001)
START = "01:00:00:00"
STEP = 2
"""Photosites by which the view moves from frame to frame."""


def need_av():
    """PyAV, or skip."""
    return pytest.importorskip("av", reason="PyAV is not installed (the extra [video])")


def frame_metadata(number: int, rate: Fraction | None = NTSC) -> cinema_dng.FrameMetadata:
    """What a camera says of a frame."""
    code = timecode.to_bytes(timecode.later(START, number, rate)) if rate else b""
    return cinema_dng.FrameMetadata(f"A001_C001_{100 + number:06}", code, rate, (2.8,), "A001", "B")


def clip_folder(
    folder: Path, count: int, height: int = 64, width: int = 96, rate: Fraction | None = NTSC, **values
) -> list[Path]:
    """A folder of CinemaDNG frames: a view that moves over the garden, each with the noise of the place it looks at."""
    folder.mkdir(parents=True, exist_ok=True)
    large = recipe_of(height + STEP * count, width + STEP * count, **values)
    scene, recipe = garden(large.height, large.width, large), replace(large, height=height, width=width)
    files = []
    for number in range(count):
        at = STEP * number
        mosaic = np.ascontiguousarray(scene[at : at + height, at : at + width])
        metadata = frame_metadata(number, rate)
        files.append(folder / f"{metadata.name}.dng")
        files[-1].write_bytes(b"".join(cinema_dng.encode(mosaic, recipe, None, metadata)))
    return files


def tone(path: Path, seconds: float = 0.5, channels: int = 2) -> bytes:
    """A WAV of 440 Hz at 48 kHz; returns its samples."""
    samples = np.rint(9000 * np.sin(2 * math.pi * 440 / 48000 * np.arange(int(48000 * seconds))))
    data = np.repeat(samples[:, None], channels, 1).astype("<i2").tobytes()
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(48000)
        file.writeframes(data)
    return data


def samples_of(path: Path) -> bytes:
    """The samples of a WAV."""
    with wave.open(str(path), "rb") as file:
        return file.readframes(file.getnframes())


def pictures(folder: Path) -> dict[str, raw.RawFile]:
    """The frames in a folder, by name."""
    return {path.stem: raw.read(path.read_bytes(), path.name) for path in sorted(folder.glob("*.dng"))}


def recovered_frames(path: Path) -> dict[str, raw.RawFile]:
    """What `recover` makes of a movie, by name, in this process."""
    movie = reader.contents(path)
    frames = {}
    for number, name in enumerate(movie.frames):
        chunks, _, _ = reader.recover(movie, name, number)
        frames[name] = raw.read(b"".join(chunks), name)
    return frames
