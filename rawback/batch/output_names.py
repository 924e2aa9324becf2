"""What the name of an output promises: a JPEG in a file called .webp would be believed to be none."""

from __future__ import annotations

from rawback.errors import UsageError
from rawback.files.paths import Location

RAW = ".raw"
WRITTEN = {
    ".jpg": ("a JPEG", "JPEG XL", "a TIFF", "a PNG"), ".jxl": ("JPEG XL",), ".dng": ("a DNG", "an array of numpy's"),
    RAW: ("a camera's RAW", "a DNG", "a TIFF"),
}  # fmt: skip
"""By the suffix that outputs have by default: what is written, as the name given by the user asks."""
FORMATS = {
    "a JPEG": ".jpg .jpeg .jpe .jfif", "a TIFF": ".tif .tiff", "a PNG": ".png", "a DNG": ".dng",
    "WebP": ".webp", "AVIF": ".avif", "HEIF": ".heic .heif .hif", "JPEG XL": ".jxl", "JPEG 2000": ".jp2 .j2k .jpx",
    "a picture of another format": ".gif .bmp .exr .psd .pdf .svg .ppm .pgm .pnm .tga",
    "a movie": ".avi .webm .mxf .mov .mp4 .mkv .m4v .mpg",
    "no picture": ".xmp .json .html .htm .txt .csv .zip .tar .gz .wav",
    "an array of numpy's": ".npz .npy",
    "a camera's RAW": ".3fr .arw .cr2 .cr3 .crw .dcr .erf .gpr .iiq .kdc .mef .mos .mrw .nef .nrw .orf .pef .raf .raw .rw2 "
    ".rwl .sr2 .srf .srw .x3f",
}  # fmt: skip
"""What suffixes promise."""
PROMISED = {suffix: kind for kind, suffixes in FORMATS.items() for suffix in suffixes.split()}


def check(output: Location, suffix: str) -> None:
    """Raise UsageError for a name that promises another format than is written. suffix: that which outputs have by default."""
    promised, written = PROMISED.get(output.suffix.lower()), WRITTEN[suffix]
    if promised and promised not in written:
        possible = " or ".join(FORMATS[kind].split()[0] for kind in written)
        raise UsageError(f"{output} promises {promised}, which is not written; name it {possible}")
