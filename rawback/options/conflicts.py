"""Which options go together: what would have no effect is an error, not silence."""

from __future__ import annotations

from pathlib import Path

from rawback.errors import UsageError
from rawback.options.batch import BatchOptions
from rawback.options.clips import FrameOptions, MovieOptions
from rawback.options.files import FileOptions
from rawback.options.option import refuse
from rawback.options.recover import RecoverOptions
from rawback.options.render import ArchiveOptions, RenderOptions

STANDARD_OUTPUT = "-"
CHOOSING = ("files_from", "null", "recursive", "include", "exclude", "name")
"""Fields of FileOptions that choose among photos."""
IN_PROCESSES = ("jobs", "timeout", "memory", "scheduler")
"""Fields of BatchOptions about frames that are worked on each for itself."""


NO_PARITY = "is of a JPEG's own sectors; a .jxl has others"


def is_movie(output: str | None) -> bool:
    """Whether an output of `render` is a movie, by its name."""
    from rawback.files.file_type import MOVIES

    return output is not None and output.lower().endswith(tuple(MOVIES))


def check_render(files: FileOptions, options: RenderOptions, movie: MovieOptions) -> None:
    """Raise UsageError for options that say nothing about photos, or about the kind of file that is asked for."""
    from rawback.files.file_type import MOVIES, PICTURES_16

    refuse(movie, ("codec", "fps"), f"is for clips; name a movie with -o: {', '.join(MOVIES)}")
    if files.suffix in PICTURES_16:
        check_picture(options)
    if options.keep:
        refuse(options, ("quality",), f"is chosen by --keep {options.keep}; give one of the two")
    if files.suffix == ".jxl":
        check_jxl(options)
    _check_stream(files)


def check_jxl(options: RenderOptions) -> None:
    """Raise UsageError for options that say nothing about a JPEG that is made JPEG XL."""
    refuse(options, ("parity",), NO_PARITY)
    refuse(options, ("progressive",), "is of a JPEG's own code; a .jxl has another, smaller one")


def check_picture(options: RenderOptions) -> None:
    """Raise UsageError for options that say nothing about a picture without a RAW."""
    names = (
        "quality", "subsampling", "tables", "refine", "effort", "compatible", "weights", "keep", "original", "parity",
        "lossless", "layered", "progressive", "hdr",
    )  # fmt: skip
    refuse(options, names, "is for JPEGs; a TIFF or PNG has 16 bits and carries no RAW")


def check_render_clip(
    files: FileOptions, options: RenderOptions, archive: ArchiveOptions, movie: MovieOptions, batch: BatchOptions
) -> None:
    """Raise UsageError for options that say nothing about the clip to be made."""
    refuse(files, CHOOSING, f"is for photos; {files.output} is a movie: name the one folder that holds its frames")
    refuse(files, ("keep_mtime",), f"is for photos; {files.output} is made of many files")
    refuse(archive, ("delete_original",), "is for single photos; the frames of a clip are kept")
    refuse(archive, ("manifest", "jxl", "learn"), "is for photos")
    refuse(options, ("hdr",), "is for photos")
    refuse(options, ("parity", "layered", "progressive"), "is for photos")
    refuse(options, ("original",), "is for photos; --keep lossless keeps every photosite of a clip")
    if len(files.inputs) != 1 or not Path(files.inputs[0]).is_dir():
        raise UsageError(f"{files.output} is a movie; name the one folder that holds its frames")
    if movie.codec in (None, "mjpeg"):
        return
    steered = "no option" if movie.codec == "ffv1" else "--quality alone"
    names = ("subsampling", "tables", "refine", "weights", "keep", "lossless")
    refuse(options, names, f"is for mjpeg; {movie.codec} is steered by {steered}")
    if movie.codec == "ffv1":
        refuse(options, ("quality", "effort"), "says nothing about ffv1, which loses nothing")
    refuse(batch, IN_PROCESSES, f"is for mjpeg; the frames of {movie.codec} are encoded one after the other, in this process")


def check_recover(files: FileOptions, frames: FrameOptions, options: RecoverOptions) -> None:
    """Raise UsageError for options that say nothing about photos, or about the very file."""
    from rawback.files.file_type import ARRAYS

    if options.original:
        names = ("camera", "linear", "compress", "weights", "keep_exif", "noise")
        refuse(options, names, "is for DNGs that are made; --original gives back the file as it was")
    if files.suffix in ARRAYS:
        refuse(options, ("compress", "keep_exif"), "is for DNGs; an array holds the mosaic and its recipe")
    refuse(frames, ("packed", "denoise"), "is for clips; name one movie")
    _check_stream(files)


def check_recover_clip(files: FileOptions, options: RecoverOptions, batch: BatchOptions) -> None:
    """Raise UsageError for options that say nothing about the frames of a clip."""
    refuse(files, CHOOSING, f"is for photos; {files.inputs[0]} is a movie")
    refuse(options, ("linear",), "linear is for photos; the frames of a clip are mosaics")
    refuse(options, ("original",), "is for photos; a clip holds no files")
    refuse(options, ("noise",), "is for photos that rawback did not render")
    if files.output == STANDARD_OUTPUT:
        refuse(files, ("force", "skip_existing", "keep_mtime"), "is for files; standard output takes the frames as a tar")
        refuse(
            batch, (*IN_PROCESSES, "as_json"), "is for files; standard output takes the frames one after the other, as a tar"
        )


def _check_stream(files: FileOptions) -> None:
    if files.output == STANDARD_OUTPUT:
        refuse(files, ("skip_existing", "keep_mtime"), "is for files; standard output is none")
