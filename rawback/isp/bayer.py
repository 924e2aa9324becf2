"""Directional demosaicing of Bayer mosaics, in cells: four planes of half size, one for each photosite of a 2x2 cell.

Green by Hamilton and Adams' filter along rows and along columns, the direction with the smoother colour differences in a
5x5 neighbourhood taken (Menon, Andriani and Calvagno 2007, without their refining step); red and blue by the mean of
colour differences.
"""

from __future__ import annotations

import numpy as np

MARGIN = 4
"""Cells around the wanted ones that have to be given."""
HALF = np.float32(0.5)
"""float32, so that products are."""


def demosaic(cells: np.ndarray) -> np.ndarray:
    """Green, and how much less red and blue are: (3, 2, 2, h, w) float32 at the four photosites of each cell.

    `cells` (2, 2, h + 2 MARGIN, w + 2 MARGIN) float32: red, the green beside it; the green below it, blue.
    """
    (red, beside), (below, blue) = cells
    of_red, of_blue = _differences(red, beside, below, blue)
    planes = np.empty((3, 2, 2, *(side - 2 * MARGIN for side in red.shape)), np.float32)  # colour, row, column, h, w
    inside = slice(MARGIN, -MARGIN)
    planes[0] = cells[:, :, inside, inside]
    _spread(of_red[1:, 1:], planes[1])
    _spread(of_blue[::-1, ::-1], planes[2, ::-1, ::-1, ::-1, ::-1])
    planes[0, 0, 0] += planes[1, 0, 0]
    planes[0, 1, 1] += planes[2, 1, 1]
    return planes


def _differences(red: np.ndarray, beside: np.ndarray, below: np.ndarray, blue: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Green less red at the red photosites, green less blue at the blue ones, without the two cells before and three behind."""
    # along the row red stands between two `beside` greens, blue between two `below`; along the column the other way
    red_row, blue_row = _green_less(beside, red), _green_less(below[:, ::-1], blue[:, ::-1])[:, ::-1]
    red_column, blue_column = _green_less(below.T, red.T).T, _green_less(beside[::-1].T, blue[::-1].T).T[::-1]
    rougher = _steps(red_row, blue_row)
    rougher -= _steps(red_column.T, blue_column.T).T
    vertical = _star(rougher) > 0
    chosen = (slice(1, -2), slice(1, -2))
    np.copyto(red_row[chosen], red_column[chosen], where=vertical)
    np.copyto(blue_row[chosen], blue_column[chosen], where=vertical)
    return red_row[chosen], blue_row[chosen]


def _green_less(green: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Green at `centre`, which lies between green[j - 1] and green[j], less the centre itself; the outermost left out.

    Green is the mean of the two plus a quarter of the centre's own curvature.
    """
    around = centre[1:-1, 2:] + centre[1:-1, :-2]
    around *= HALF
    less = green[1:-1, 1:-1] - centre[1:-1, 1:-1]
    less += green[1:-1, :-2]
    less -= around
    less *= HALF
    return less


def _steps(red: np.ndarray, blue: np.ndarray) -> np.ndarray:
    """By how much the differences change to the next column; the last row and column left out."""
    steps = red[:-1, 1:] - red[:-1, :-1]
    np.abs(steps, out=steps)
    more = blue[:-1, 1:] - blue[:-1, :-1]
    steps += np.abs(more, out=more)
    return steps


def _star(plane: np.ndarray) -> np.ndarray:
    """The sum of each with its four neighbours; the outermost left out."""
    total = plane[1:-1, 1:-1] + plane[2:, 1:-1]
    for neighbour in (plane[:-2, 1:-1], plane[1:-1, 2:], plane[1:-1, :-2]):
        total += neighbour
    return total


def _spread(difference: np.ndarray, out: np.ndarray) -> None:
    """A difference of red photosites at all four of a cell, (2, 2, h, w): itself, the mean of two and of four neighbours.

    `difference` has the cell before the wanted ones, too, and the one behind them.
    """
    height, width = (1 + side for side in out.shape[2:])
    here, below = difference[1:height], difference[2 : height + 1]
    out[0, 0] = here[:, 1:width]
    np.add(here[:, 1:width], here[:, 2 : width + 1], out=out[0, 1])
    np.add(here[:, 1:width], below[:, 1:width], out=out[1, 0])
    np.add(below[:, 1:width], below[:, 2 : width + 1], out=out[1, 1])
    out[1, 1] += out[0, 1]
    out[0, 1] *= HALF
    out[1, 0] *= HALF
    out[1, 1] *= HALF * HALF
