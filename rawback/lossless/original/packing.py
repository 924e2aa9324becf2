"""Samples of 8 to 16 bits as RAW files store them uncompressed: one after the other, each row from a byte of its own on."""

from __future__ import annotations

import numpy as np

BIG, LITTLE = "big", "little"
"""Most significant bit first (TIFF; of 16 bits: high byte first), or least significant bit first."""
BITS = range(8, 17)
CHUNK = 1 << 20
"""Samples that are packed at once."""


def row_bytes(columns: int, bits: int) -> int:
    """Bytes of a row."""
    return (columns * bits + 7) // 8


def packed(rows: np.ndarray, bits: int, order: str) -> bytes:
    """(n, columns) uint16 -> n rows of `row_bytes`; what is left of a row's last byte is 0. Bits above `bits` are lost."""
    if bits == 16:
        return rows.astype(">u2" if order == BIG else "<u2").tobytes()
    step = max(CHUNK // rows.shape[1], 1)
    return b"".join(_packed(rows[start : start + step], bits, order) for start in range(0, len(rows), step))


def _packed(rows: np.ndarray, bits: int, order: str) -> bytes:
    """Eight samples make `bits` bytes."""
    columns = rows.shape[1]
    padded = np.pad(rows, [(0, 0), (0, -columns % 8)]).astype(np.uint32) & ((1 << bits) - 1)
    eights = np.moveaxis(padded.reshape(len(rows), -1, 8), 2, 0)  # (8, n, columns / 8)
    out = np.zeros((*eights.shape[1:], bits), np.uint8)
    for byte in range(bits):
        for sample in range(8 * byte // bits, (8 * byte + 7) // bits + 1):
            shift = (sample + 1) * bits - 8 * (byte + 1) if order == BIG else 8 * byte - sample * bits
            part = eights[sample] >> shift if shift >= 0 else eights[sample] << -shift
            out[..., byte] |= (part & 255).astype(np.uint8)
    return out.reshape(len(rows), -1)[:, : row_bytes(columns, bits)].tobytes()
