"""What luma levels cost once the JPEG is coated in JPEG XL: contexts of ISO/IEC 18181-1 for AC coefficients, and the bits that
a picture's own statistics give their symbols there.

Of each block the number of levels that are not 0 is coded, by what its neighbours above and to the left have, and then its
levels along an order of the picture's own until that number is reached: by how many are left, by the place, and by whether the
level before was 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rawback.isp.levels import LIMIT, ZIGZAG

GROUP = 32
"""Rows and columns of luma blocks of a group (256 x 256 pixels): beyond, there are no neighbours."""
BY_PLACE = np.array([0, *range(15), *np.repeat(np.arange(15, 23), 2), *np.repeat(np.arange(23, 31), 4)])
"""(64,): part of a context that the place along the order makes."""
BY_LEFT = np.repeat([0, 0, 31, 62, 93, 123, 152, 180, 206], [1, 1, 1, 2, 4, 4, 8, 12, 31])
"""(64,): part of a context that the number of levels makes which are not 0 and still to come."""
CONTEXTS = 2 * (int(BY_LEFT[-1]) + int(BY_PLACE[-1]) + 1)
FEW = 4
"""Levels that are not 0, up to which the place before the first counts as one of them."""
UNKNOWN = 32
"""Number that is predicted where there are no neighbours."""
SMALL = 8
"""Magnitudes below this are symbols of their own; those above by their size, with further bits."""
CLASSES = SMALL + LIMIT.bit_length() - 3
CLASS = np.array([n if n < SMALL else SMALL + n.bit_length() - 4 for n in range(LIMIT + 1)], np.uint8)
"""(LIMIT + 1,): the class of a magnitude."""
OWN_BITS = np.array([min(c, 1) if c < SMALL else c - SMALL + 4 for c in range(CLASSES)], float)
"""(CLASSES,): the sign, and which magnitude of the class it is."""
NUMBERS = 37
"""Contexts of the number of levels."""
TRUST, TRUST_NUMBER = 6.0, 4.0
"""How many symbols what is known of coarser contexts weighs as much as."""
BLUR = 2.0
"""Standard deviation of what numbers of levels tell about those beside them."""
LONGEST = 16.0
CHUNK = 1 << 13
"""Blocks counted at a time."""


@dataclass(frozen=True)
class Contexts:
    """What symbols cost in a picture, from its levels of the pass before."""

    order: np.ndarray
    """(64,) intp: places in natural order, as levels are weighed one after the other: as they are coded, or, of two quantisers,
    along the zigzag scan, as these take turns."""
    bits: np.ndarray
    """(CONTEXTS, CLASSES) float32: a level of that class in a context along `order`, its own bits included."""
    number_bits: np.ndarray
    """(NUMBERS, 64) float32: so many levels in a context of their number."""
    of_blocks: np.ndarray
    """(rows, columns) uint8: context of each block's number of levels."""

    @classmethod
    def of(cls, levels: np.ndarray, dependent: bool) -> Contexts:
        """Luma's levels (rows, columns, 64) int16. dependent: whether they have two quantisers."""
        order = _order(levels)
        of_blocks = _contexts_of_number(np.count_nonzero(levels[..., 1:], -1))
        symbols, coarse = np.zeros((CONTEXTS, CLASSES)), np.zeros((CONTEXTS, CLASSES))
        numbers, meetings = np.zeros((NUMBERS, 64)), np.zeros((CONTEXTS, 2, CONTEXTS))
        at = np.argsort(order)[ZIGZAG[1:]] - 1  # where in the order the places of the zigzag scan are, both without the mean
        together = max(CHUNK // levels.shape[1], 1)
        for start in range(0, len(levels), together):
            rows = slice(start, start + together)
            blocks, kinds = levels[rows].reshape(-1, 64), of_blocks[rows].ravel()
            scan = _Scan.of(blocks[:, order[1:]])
            _count(symbols, (scan.context * CLASSES + scan.symbol)[scan.coded])
            _count(coarse, ((scan.context - 2 * BY_PLACE[1:]) * CLASSES + scan.symbol)[scan.coded])
            _count(numbers, kinds.astype(np.intp) * 64 + np.count_nonzero(blocks[:, 1:], -1))
            if dependent:
                along = _Scan.of(blocks[:, ZIGZAG[1:]])
                met = (2 * along.context + ~scan.coded[:, at]) * CONTEXTS + scan.context[:, at]
                _count(meetings, met[along.coded])
        bits = _symbol_bits(symbols, coarse)
        if dependent:
            order, bits = ZIGZAG.astype(np.intp), _expected(bits, meetings)
        return cls(order, bits.astype(np.float32), _number_bits(numbers), of_blocks)


@dataclass(frozen=True)
class _Scan:
    """AC levels along some order: of each (n, 63) its context, its class, and whether it is coded."""

    context: np.ndarray
    symbol: np.ndarray
    coded: np.ndarray

    @classmethod
    def of(cls, scanned: np.ndarray) -> _Scan:
        """Levels (n, 63). Behind the last that is not 0 the context is that which a further one would have."""
        there = scanned != 0
        left = np.cumsum(there[:, ::-1], 1)[:, ::-1]
        before = np.concatenate([left[:, :1] <= FEW, there[:, :-1]], 1)
        context = 2 * (BY_LEFT[left] + BY_PLACE[1:]) + before
        return cls(context, CLASS[np.minimum(np.abs(scanned), LIMIT)].astype(np.intp), left > 0)


def _count(into: np.ndarray, places: np.ndarray) -> None:
    into += np.bincount(places.ravel(), minlength=into.size).reshape(into.shape)


def _expected(bits: np.ndarray, meetings: np.ndarray) -> np.ndarray:
    """Bits by context as levels are coded -> by context along the zigzag scan, in the mean of what is coded there.

    meetings (CONTEXTS, 2, CONTEXTS): how often which of the former is met in which of the latter, and how often behind the
    last level that is coded, where zeros cost nothing. Where levels are weighed against contexts along another scan than they
    are coded in, runs come about that save nothing.
    """
    behind = bits.copy()
    behind[:, 0] = 0
    total = np.einsum("ij,jk->ik", meetings[:, 0], bits) + np.einsum("ij,jk->ik", meetings[:, 1], behind)
    return (total + TRUST * bits) / (meetings.sum((1, 2))[:, None] + TRUST)


def _symbol_bits(symbols: np.ndarray, coarse: np.ndarray) -> np.ndarray:
    """Counts by context, and by coarse context, which is of any place -> bits (CONTEXTS, CLASSES)."""
    everywhere = coarse.sum(0) + 0.3
    by_group = _shares(coarse, everywhere / everywhere.sum(), TRUST)
    expected = np.zeros(symbols.shape)
    for left in np.unique(BY_LEFT):
        for before in (0, 1):
            first = 2 * left + before
            expected[first : first + 2 * len(np.unique(BY_PLACE)) : 2] = by_group[first]
    return _length(_shares(symbols, expected, TRUST)) + OWN_BITS


def _number_bits(numbers: np.ndarray) -> np.ndarray:
    """Counts (NUMBERS, 64) -> bits (NUMBERS, 64) float32: few blocks tell much of contexts and numbers beside theirs."""
    everywhere = numbers.sum(0) + 0.2
    apart = np.arange(64)[:, None] - np.arange(64)
    near = np.exp(-0.5 * (apart / BLUR) ** 2)
    blurred = np.einsum("ij,jk->ik", numbers, near / near.sum(0))  # of BLAS the bits would hang on the number of threads
    blurred = blurred + (np.concatenate([blurred[1:], blurred[-1:]]) + np.concatenate([blurred[:1], blurred[:-1]])) / 2
    expected = _shares(blurred, everywhere / everywhere.sum(), TRUST_NUMBER)
    return _length(_shares(numbers, expected, TRUST)).astype(np.float32)


def _shares(counts: np.ndarray, expected: np.ndarray, trust: float) -> np.ndarray:
    return (counts + trust * expected) / (counts.sum(-1, keepdims=True) + trust)


def _length(shares: np.ndarray) -> np.ndarray:
    return np.minimum(-np.log2(np.maximum(shares, 2.0**-LONGEST)), LONGEST)


def _order(levels: np.ndarray) -> np.ndarray:
    """(64,): places by how often they are 0, counted as coarsely as libjxl counts them; first the mean."""
    zeros = np.array([np.count_nonzero(levels[..., at] == 0) for at in ZIGZAG]) // 8
    zeros[0] = -1
    return ZIGZAG[np.argsort(zeros, kind="stable")].astype(np.intp)


def _contexts_of_number(numbers: np.ndarray) -> np.ndarray:
    """(rows, columns) numbers of levels -> contexts of theirs, by those above and to the left."""
    above, beside = np.roll(numbers, 1, 0), np.roll(numbers, 1, 1)
    first_row = np.arange(len(numbers))[:, None] % GROUP == 0
    first_column = np.arange(numbers.shape[1]) % GROUP == 0
    predicted = np.where(first_row, beside, np.where(first_column, above, (above + beside + 1) // 2))
    predicted = np.where(first_row & first_column, UNKNOWN, predicted)
    return np.where(predicted < 8, predicted, 4 + predicted // 2).astype(np.uint8)
