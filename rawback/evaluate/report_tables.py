"""The tables of a report: which figures they have, what those mean, and their HTML."""

from __future__ import annotations

from html import escape
from itertools import groupby

import numpy as np

from rawback.evaluate import table

RAW_COLUMNS = {
    "bits_per_photosite": "bits per photosite", "raw_db": "raw dB", "lin_db": "lin dB", "shadows_db": "shadows",
    "midtones_db": "midtones", "highlights_db": "highlights",
}  # fmt: skip
DARK_COLUMNS = {
    "edit_+4ev_db": "+4 EV", "noise_black": "noise kept: black", "noise_shadows": "noise kept: shadows",
    "noise_midtones": "noise kept: midtones", "noise_highlights": "noise kept: highlights",
    "bias_red_dn": "black is off, DN: red", "bias_green_dn": "black is off, DN: green",
    "bias_blue_dn": "black is off, DN: blue",
}  # fmt: skip
SEEN_COLUMNS = {
    "edit_-2ev_db": "-2 EV", "edit_+2ev_db": "+2 EV", "edit_-2000k_db": "-2000 K", "edit_+2000k_db": "+2000 K",
    "rgb_db": "rgb dB", "ms_ssim": "MS-SSIM", "de2000": "ΔE 2000", "libraw_ratio": "size",
}  # fmt: skip
"""Titles by figure; those of a group are "group: title"."""
TABLES = (
    ("The recovered RAW", RAW_COLUMNS),
    ("Its shadows and its noise", DARK_COLUMNS),
    ("What an editor sees of the RAW, and the picture", SEEN_COLUMNS),
)
"""Titles, and their figures."""
TERMS = {
    "raw dB": "PSNR of the RAW as the InvISP paper measures it: bilinear, white-balanced, gamma 2.2, peak 1, whole frame",
    "lin dB": "PSNR of the mosaic itself between black and white level",
    "shadows, midtones, highlights": "lin dB of photosites up to 5 %, up to 40 % and above",
    "noise kept": "variance of the noise over the original's: 1 is all of it, less was smeared, more was added; black: up to "
    "0.2 % of the range, shadows: up to 2 %, midtones: up to 20 %, highlights: up to 90 %",
    "black is off": "mean error of the darkest photosites, in DN: black that is not neutral shows in pushed shadows",
    "EV, K": "PSNR between LibRaw's renderings of both RAWs with exposure or the colour of light moved by so much",
    "rgb dB, MS-SSIM, ΔE 2000": "the picture against LibRaw's own rendering; ΔE is the median",
    "size": "bytes of the JPEG over those of LibRaw's rendering as a JPEG of the same quality",
    "-": "there is no such figure: too little of the picture is as dark, bright or even",
}
"""What the titles mean."""


def tables(rows: list[dict], of: str) -> str:
    """The figures of methods and qualities; `of` what, as HTML."""
    return "".join(_table(rows, f"{of}: {title[0].lower()}{title[1:]}", columns) for title, columns in TABLES)


def _table(rows: list[dict], caption: str, columns: dict[str, str]) -> str:
    body = []
    for (name,), group in table.grouped(rows, "method").items():
        first = f'<th scope="rowgroup" rowspan="{len(group)}">{escape(str(name))}</th>'
        for row in group:
            cells = "".join(f"<td>{table.formatted(key, row.get(key, np.nan))}</td>" for key in columns)
            body.append(f'<tr>{first}<th scope="row">{row["quality"]}</th>{cells}</tr>')
            first = ""
        body.append("</tbody><tbody>")
    title = escape(caption)
    return (
        f'<div class="wide" role="region" tabindex="0" aria-label="{title}"><table><caption>{title}</caption>'
        f"<thead>{_head(['method', 'quality', *columns.values()])}</thead><tbody>{''.join(body[:-1])}</tbody></table></div>"
    )


def _head(titles: list[str]) -> str:
    """Rows of titles: groups above, where there are any, and what belongs to them below."""
    parted = [title.rpartition(": ")[::2] for title in titles]
    deep = any(group for group, _ in parted)
    above, below = "", ""
    for group, of in groupby(parted, key=lambda part: part[0]):
        own = [escape(title) for _, title in of]
        if group:
            above += f'<th scope="colgroup" colspan="{len(own)}">{escape(group)}</th>'
            below += "".join(f'<th scope="col">{title}</th>' for title in own)
        else:
            rows = ' rowspan="2"' * deep
            above += "".join(f'<th scope="col"{rows}>{title}</th>' for title in own)
    return f"<tr>{above}</tr>" + f"<tr>{below}</tr>" * deep
