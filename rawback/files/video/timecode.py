"""SMPTE time codes: the eight bytes of DNG's TimeCodes (CinemaDNG 1.1; SMPTE 331M), the text of movies, and counting."""

from __future__ import annotations

import re
from fractions import Fraction

SIZE = 8
"""Bytes of one time code: frames, seconds, minutes and hours as BCD with flags, then four bytes for the user."""
DROP_FLAG = 0x40
TEXT = re.compile(r"(\d\d):(\d\d):(\d\d)([:;.])(\d\d)")
MASKS = (0x3F, 0x7F, 0x7F, 0x3F)
"""What of frames, seconds, minutes and hours is the number; the rest are flags."""


def to_text(code: bytes) -> str:
    """`01:02:03:04`, or `01:02:03;04` for drop frame; empty if the bytes are no time code."""
    if len(code) < SIZE:
        return ""
    frames, seconds, minutes, hours = (_decimal(byte & mask) for byte, mask in zip(code, MASKS, strict=False))
    if hours > 23 or minutes > 59 or seconds > 59 or frames > 39:
        return ""
    return f"{hours:02}:{minutes:02}:{seconds:02}{';' if code[0] & DROP_FLAG else ':'}{frames:02}"


def to_bytes(text: str) -> bytes:
    """The inverse of `to_text`, with nothing for the user; no bytes if the text is no time code."""
    match = TEXT.fullmatch(text)
    if not match:
        return b""
    hours, minutes, seconds, frames = (int(match[i]) for i in (1, 2, 3, 5))
    drop = DROP_FLAG if match[4] != ":" else 0
    if frames > 39:
        return b""
    return bytes([_bcd(frames) | drop, _bcd(seconds), _bcd(minutes), _bcd(hours), 0, 0, 0, 0])


def later(text: str, frames: int, rate: Fraction) -> str:
    """The time code some frames after (or before) `text` at so many frames a second; past midnight it begins again."""
    match = TEXT.fullmatch(text)
    if not match:
        return ""
    hours, minutes, seconds, start = (int(match[i]) for i in (1, 2, 3, 5))
    nominal, drop = max(round(rate), 1), match[4] != ":"
    count = ((hours * 60 + minutes) * 60 + seconds) * nominal + start
    dropped = nominal // 15 if drop else 0
    """Numbers that drop frame leaves out at the start of each minute, but for every tenth."""
    count -= dropped * (60 * hours + minutes - (60 * hours + minutes) // 10)
    count = (count + frames) % (24 * 3600 * nominal - dropped * 24 * 54)
    if dropped:
        tens, rest = divmod(count, 600 * nominal - 9 * dropped)
        count += dropped * (9 * tens + max(rest - dropped, 0) // (60 * nominal - dropped))
    seconds, frame = divmod(count, nominal)
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{clock}{';' if drop else ':'}{frame:02}"


def _decimal(byte: int) -> int:
    return 10 * (byte >> 4) + (byte & 15)


def _bcd(number: int) -> int:
    return number // 10 << 4 | number % 10
