"""The restoration of a camera's JPEG as a function of numpy strips: what its encoder and its sharpening did, undone."""

from __future__ import annotations

import numpy as np

from rawback.isp import fixed_pass, intervals, inverse_pass
from rawback.isp.dct import grow, laid_out, shrink
from rawback.isp.deblocking import Deblocking
from rawback.isp.quantisation_tables import quality_of
from rawback.isp.sharpening import Sharpening, taken_away, without
from rawback.nets import features
from rawback.nets.parts import Engine
from rawback.picture import Coefficients

BANDS, BAND = 4, 64
"""Of rows of the picture that tell how it was sharpened: how many, evenly spread, and how high."""
SHARPENED = 0.05
"""Sharpening below that is none."""
SMALLEST = 32
"""Pixels along a side from which on there is a picture to restore."""
WHITE = 254 / 255
"""Code from which on a channel is clipped, but for what quantisers do to it."""
COLUMNS = 1088
"""Of a strip that the network is given at once, beside their context: what it computes on the way stays in the cache."""
ANSWERS = 40
"""Channels of the network's answer: 16 of luma, 4 each of Cb and Cr, and 16 of luma's sharpening."""
BLOCKS = 16
"""Rows of luma that strips and their context begin at multiples of: whole blocks of chroma too."""


def knows(picture: Coefficients) -> bool:
    """Whether the restoration was taught such pictures: of colour, with chroma at full or half size either way."""
    return len(picture.planes) == 3 and max(picture.factors) <= 2 and min(picture.width, picture.height) >= SMALLEST


class PhotoRestorer:
    """`restore_photo` for one JPEG."""

    def __init__(self, engine: Engine, picture: Coefficients, depth: int, sharpening: Sharpening) -> None:
        self.engine, self.picture, self.undone = engine, picture, sharpening
        self.seen = -(-4 * depth // BLOCKS) * BLOCKS
        """Columns of context on either side that the network needs."""
        seen = 4 * depth + 2 ** (len(sharpening.octaves) + 1) * bool(sharpening.octaves)
        self.halo = -(-seen // BLOCKS) * BLOCKS
        """Rows of context above and below that a strip needs."""
        self.bands = [fixed_pass.planes(picture, *rows) for rows in _bands(picture.height)]
        self.conditions = features.of_photo(picture, [luma for luma, _, _ in self.bands])
        self.deblocking: Deblocking | None = None
        self.changes = [self._changes(planes) for planes in self.bands]
        """Of the bands, without deblocking."""
        self.deblocking = Deblocking.measured([b[0] + c[0] for b, c in zip(self.bands, self.changes, strict=True)])

    def __call__(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rows start..stop, from a multiple of BLOCKS on, of Y, Cb, Cr (rows, width), as `fixed_pass.planes`."""
        first, last = max(start - self.halo, 0), min(stop + self.halo, self.picture.height)
        planes = fixed_pass.planes(self.picture, first, last)
        rows = slice(start - first, stop - first)
        luma, sharpened, *chroma = self._changes(planes)
        for plane, change in zip((planes[0], *planes), (luma, sharpened, *chroma), strict=True):
            plane[rows] += change[rows]
        return planes[0][rows], planes[1][rows], planes[2][rows]

    def message(self) -> str:
        """What is done, and what to expect of it, in words."""
        quality, sharpening = quality_of(self.picture.tables[0]), self.sharpening()
        known = "as its camera was measured to do" if self.undone.octaves else "as cameras do"
        also = f" and a sharpening of about {sharpening:.1f}, {known}," if sharpening >= SHARPENED else ""
        left = f"; its sharpness stays as it is ({self.undone.reason})" if self.undone.reason else ""
        return (
            f"the steps of its encoder (about quality {quality}){also} undone as far as can be known; "
            f"shadows and white balance edit better than in the JPEG, lost detail stays lost{left}"
        )

    def sharpening(self) -> float:
        """The share of fine luma that is taken for sharpening, as unsharp masking by a pixel adds it: 0 is none.

        A picture alone hardly tells how it was sharpened: most of this is what cameras do in the mean.
        """
        return taken_away((b[0] + c[0] + c[1], c[1]) for b, c in zip(self.bands, self.changes, strict=True))

    def clipped(self) -> float:
        """The share of pixels with a channel at white."""
        white = [(inverse_pass.extended_srgb(*planes) > WHITE).any(0).mean() for planes in self.bands]
        return float(np.mean(white))

    def _changes(self, planes: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
        """What to add to rows from a whole block on: for the encoder and for sharpening to luma, for the encoder to chroma."""
        height, width = planes[0].shape
        luma, cb, cr = (_widened(plane) for plane in planes)
        small = np.stack([shrink(plane, (2, 2)) for plane in (cb, cr)])  # (2, H / 2, W / 2)
        change = self._by_net(luma, small)  # (40, H / 4, W / 4)
        encoded = laid_out(change[:16])
        encoded += luma
        if self.deblocking:
            encoded = self.deblocking.applied(encoded)
        encoded -= luma
        encoded = intervals.within(encoded, self.picture.tables[0])
        sharpened = self._unsharpened(luma + encoded, change[24:])
        colours = (self._chroma(laid_out(change[16 + 4 * i :][:4]), self.picture.tables[1 + i]) for i in range(2))
        return tuple(plane[:height, :width] for plane in (encoded, sharpened, *colours))

    def _by_net(self, luma: np.ndarray, small: np.ndarray) -> np.ndarray:
        """The network's answer (40, H / 4, W / 4) to luma (H, W) and chroma (2, H / 2, W / 2), in columns that caches hold."""
        height, width = luma.shape
        answer = np.empty((ANSWERS, height // 4, width // 4), np.float32)
        for start in range(0, width, COLUMNS):
            stop = min(start + COLUMNS, width)
            first, last = max(start - self.seen, 0), min(stop + self.seen, width)
            part = self.engine(luma[None, None, :, first:last], small[None, ..., first // 2 : last // 2], self.conditions[None])
            answer[..., start // 4 : stop // 4] = part[0, ..., (start - first) // 4 : (stop - first) // 4]
        return answer

    def _unsharpened(self, luma: np.ndarray, by_net: np.ndarray) -> np.ndarray:
        """What undoes the sharpening of luma (H, W): as its camera was measured, else by the network (16, H / 4, W / 4)."""
        if self.undone.octaves:
            return without(luma, self.undone.octaves) - luma
        unsharpened = laid_out(by_net)
        unsharpened *= np.float32(self.undone.share)
        return unsharpened

    def _chroma(self, change: np.ndarray, table: np.ndarray) -> np.ndarray:
        """A change of chroma at half size, within its intervals, at full size."""
        v, h = self.picture.factors
        native = grow(change, (2 // v, 2 // h))
        missing = [(0, -side % 8) for side in native.shape]
        filled = np.pad(native, missing, mode="edge") if any(more for _, more in missing) else native
        return grow(intervals.within(filled, table)[: native.shape[0], : native.shape[1]], (v, h))


def _widened(plane: np.ndarray) -> np.ndarray:
    """(H, W) continued to whole blocks of chroma by mirroring."""
    missing = [(0, -side % BLOCKS) for side in plane.shape]
    return np.pad(plane, missing, mode="symmetric") if any(more for _, more in missing) else plane


def _bands(height: int) -> list[tuple[int, int]]:
    """First row, a multiple of BLOCKS, and row after the last of each band; all of a small picture."""
    if height <= BANDS * BAND:
        return [(0, height)]
    starts = np.linspace(0, height - BAND, BANDS).astype(int) // BLOCKS * BLOCKS
    return [(int(start), int(start) + BAND) for start in starts]
