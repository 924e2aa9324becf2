"""What scans of progressive JPEGs code, one symbol or bit after the other (ITU-T T.81, annex G)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NO_SYMBOL = -1
ZEROS = 0xF0
"""Sixteen zeros (ZRL)."""
LONGEST_RUN = 32767
"""Of blocks that end (T.81, G.1.2.2)."""


@dataclass(frozen=True)
class Events:
    """What is coded, one after the other."""

    symbols: np.ndarray
    """(n,) int16; NO_SYMBOL where there are bits alone."""
    width: np.ndarray
    """(n,) uint8: how many bits follow."""
    value: np.ndarray
    """(n,) uint16: those bits."""


def means(levels: np.ndarray, shift: int) -> Events:
    """DC levels (N, 1): each less the one before (T.81, F.1.2.1)."""
    return _signed(np.diff(levels[:, 0].astype(np.int32), prepend=0), 0)


def first(levels: np.ndarray, shift: int) -> Events:
    """AC levels (N, places), their bits from `shift` on (T.81, G.1.2.2)."""
    number, places = levels.shape
    magnitudes = np.abs(levels) >> shift
    block, at, index = _found(magnitudes)
    before = np.roll(at, 1)
    starts = _starts(block)
    run = np.where(starts, at, at - before - 1)
    coded = _signed(np.where(levels.ravel()[index] < 0, -1, 1) * magnitudes.ravel()[index], (run & 15) << 4)
    has_any, is_full = np.zeros(number, bool), np.zeros(number, bool)
    has_any[block] = True
    is_full[block[at == places - 1]] = True
    run_start, length = _runs(~is_full, has_any)
    ends_before = np.cumsum(np.bincount(run_start, minlength=number)) - np.bincount(run_start, minlength=number)
    zeros = run >> 4
    position = np.arange(len(block)) + np.cumsum(zeros) + ends_before[block]
    so_far = np.cumsum(np.bincount(block, 1 + zeros, number)).astype(np.int64)
    at_end = so_far[run_start] + ends_before[run_start]
    total = len(block) + int(zeros.sum()) + len(run_start)
    events = Events(np.full(total, ZEROS, np.int16), np.zeros(total, np.uint8), np.zeros(total, np.uint16))
    _put(events, position, coded)
    _put(events, at_end, _ends(length))
    return events


def refined(levels: np.ndarray, shift: int) -> Events:
    """The next bit of AC levels (N, places) whose bits above are known (T.81, G.1.2.3).

    Coefficients that were not 0 bring a bit without a symbol. Those before a symbol follow it, but for any that sixteen zeros
    come before: these follow the symbol of the zeros.
    """
    number, places = levels.shape
    magnitudes = np.abs(levels) >> shift
    block, at, index = _found(magnitudes)
    magnitude, order = magnitudes.ravel()[index], np.arange(len(index))
    is_new = magnitude == 1
    first_of_block = np.maximum.accumulate(np.where(_starts(block), order, 0))
    zeros = at - (order - first_of_block)  # before it in its block
    latest = np.maximum.accumulate(np.append(-1, np.where(is_new, order, -1)[:-1])) if len(order) else order
    zeros = zeros - np.where(latest >= first_of_block, zeros[latest], 0)  # since the last new one
    new_of_block = np.bincount(block[is_new], minlength=number)
    new_before = np.cumsum(new_of_block) - new_of_block
    is_full = np.zeros(number, bool)
    is_full[block[is_new & (at == places - 1)]] = True
    run_start, length = _runs(~is_full, new_of_block > 0)
    starts_of_block = np.bincount(run_start, minlength=number)
    ends_before = np.cumsum(starts_of_block) - starts_of_block
    # groups: a new coefficient with all that comes with it, or a run of blocks that end
    count = np.cumsum(is_new) - is_new
    is_tail = count >= (new_before + new_of_block)[block]
    of_run = run_start[np.cumsum(starts_of_block) - 1] if len(run_start) else np.zeros(number, np.intp)
    end_group = (new_before + new_of_block + ends_before)[run_start]
    tail_group = (new_before + new_of_block + ends_before)[of_run][block]
    group = np.where(is_tail, tail_group, count + ends_before[block])
    emission = np.where(is_tail, 0, zeros >> 4)
    new, old = np.flatnonzero(is_new), np.flatnonzero(~is_new)
    sixteens = np.repeat(new, emission[new])
    nth = np.arange(len(sixteens)) - np.repeat(np.cumsum(emission[new]) - emission[new], emission[new])
    keys = np.concatenate([
        group[new] * 16 + 2 * emission[new], group[sixteens] * 16 + 2 * nth, end_group * 16,
        group[old] * 16 + 2 * emission[old] + 1,
    ])  # fmt: skip
    positive = (levels.ravel()[index] > 0).astype(np.uint16)
    parts = [
        Events(((zeros[new] & 15) << 4 | 1).astype(np.int16), np.ones(len(new), np.uint8), positive[new]),
        Events(np.full(len(nth), ZEROS, np.int16), np.zeros(len(nth), np.uint8), np.zeros(len(nth), np.uint16)),
        _ends(length),
        Events(np.full(len(old), NO_SYMBOL, np.int16), np.ones(len(old), np.uint8), (magnitude[old] & 1).astype(np.uint16)),
    ]
    sequence = np.argsort(keys, kind="stable")
    return Events(*(np.concatenate([vars(part)[name] for part in parts])[sequence] for name in ("symbols", "width", "value")))


def _found(magnitudes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Block, place and index of all that are not 0, in their order."""
    index = np.flatnonzero(magnitudes)
    block, at = np.divmod(index, magnitudes.shape[1])
    return block, at, index


def _starts(block: np.ndarray) -> np.ndarray:
    """Which are the first of their block."""
    return np.append(True, block[1:] != block[:-1])[: len(block)]


def _runs(ends: np.ndarray, has_any: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Blocks that end before their last place (N,), and those with symbols: first block and length of each run of ends."""
    after_full = np.append(True, ~ends[:-1])
    block = np.flatnonzero(ends)
    begins = (has_any | after_full)[block]
    at = np.arange(len(block))
    begins |= (at - np.maximum.accumulate(np.where(begins, at, 0))) % LONGEST_RUN == 0
    start = np.flatnonzero(begins)
    return block[start], np.diff(np.append(start, len(block)))


def _ends(length: np.ndarray) -> Events:
    """Runs of blocks that end (EOBn)."""
    width = np.frexp(length.astype(np.float64))[1] - 1
    return Events((width << 4).astype(np.int16), width.astype(np.uint8), (length - (1 << width)).astype(np.uint16))


def _signed(values: np.ndarray, zeros: np.ndarray | int) -> Events:
    """Values with their sizes in the symbols, beside the zeros before (T.81, F.1.2.1.1)."""
    size = np.frexp(np.abs(values).astype(np.float32))[1]
    value = np.where(values < 0, values - 1, values) & ((1 << size) - 1)
    return Events((zeros | size).astype(np.int16), size.astype(np.uint8), value.astype(np.uint16))


def _put(events: Events, position: np.ndarray, part: Events) -> None:
    for name in ("symbols", "width", "value"):
        vars(events)[name][position] = vars(part)[name]
