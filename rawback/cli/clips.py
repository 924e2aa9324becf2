"""The options about clips, and how `render` and `recover` come to them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rawback.errors import UsageError

DEFAULT_CODEC = "mjpeg"
Codec = Annotated[str | None, typer.Option(help="Of clips: mjpeg (default: each frame contains its RAW), h264, hevc or ffv1.")]
Fps = Annotated[str | None, typer.Option(help="Of clips whose frames do not tell: frames a second, e.g. 25 or 23.976.")]
Packed = Annotated[bool, typer.Option("--packed", help="Of clips: samples of 12 bits, and all frames of one size.")]
Denoise = Annotated[
    str | None, typer.Option(help="Of clips: temporal averages each frame with those beside it, along their motion.")
]
MANNER = ("jobs", "timeout", "memory", "scheduler", "dry_run", "as_json", "quiet")


def is_movie(said: dict) -> bool:
    """Whether a clip is to be made, by the name of the output. Raises UsageError if not, and options say how."""
    from rawback.files.video.writer import FORMATS

    if said["output"] is not None and said["output"].lower().endswith(tuple(FORMATS)):
        return True
    if said["codec"] is not None or said["fps"] is not None:
        raise UsageError(f"--codec and --fps are for clips; name a movie with -o: {', '.join(FORMATS)}")
    return False


def render(options, said: dict) -> None:
    """Render a folder of frames as the options say (`said`, by name), and exit."""
    from rawback.batch import batch
    from rawback.clips import to_movie
    from rawback.files.video import cinema_dng
    from rawback.files.video.writer import CODECS

    folder = Path(said["inputs"][0]) if said["inputs"] and len(said["inputs"]) == 1 else None
    if folder is None or not folder.is_dir():
        raise UsageError(f"{said['output']} is a movie; name the one folder that holds its frames")
    codec = said["codec"] or DEFAULT_CODEC
    if codec not in CODECS:
        raise UsageError(f"codec is {codec}; expected one of {', '.join(CODECS)}")
    if codec != DEFAULT_CODEC and (said["keep"] or said["no_refine"]):
        raise UsageError(f"--keep and --no-refine are for {DEFAULT_CODEC}; {codec} is steered by --quality alone")
    if said["delete_original"]:
        raise UsageError("--delete-original is for single photos; the frames of a clip are kept")
    rate = cinema_dng.rate_of(said["fps"]) if said["fps"] else None
    if said["fps"] and rate is None:
        raise UsageError(f"fps is {said['fps']}; expected frames a second, e.g. 25, 23.976 or 24000/1001")
    chosen = {name: said[name] for name in ("force", "skip_existing")}
    shooting = to_movie.Shooting(folder, Path(said["output"]), codec, rate, **chosen)
    manner = batch.Manner(**{name: said[name] for name in MANNER})
    raise typer.Exit(to_movie.render(shooting, options, manner))


def is_clip(said: dict) -> bool:
    """Whether the one input is a movie, by its content. Raises UsageError if not, and options say how to write it."""
    from rawback.files import file_type

    inputs = said["inputs"]
    if inputs is not None and len(inputs) == 1 and file_type.is_movie(Path(inputs[0])):
        return True
    if said["packed"] or said["denoise"]:
        raise UsageError(f"{'--packed' if said['packed'] else '--denoise'} is for clips; name one movie")
    return False


def recover(job, said: dict) -> None:
    """Recover the frames of a movie as the options say (`said`, by name), and exit."""
    from rawback.batch import batch
    from rawback.clips import to_frames
    from rawback.clips.reader import FrameOptions

    if job.linear:
        raise UsageError("--dng linear is for photos; the frames of a clip are mosaics")
    if said["denoise"] not in (None, "temporal"):
        raise UsageError(f"--denoise is {said['denoise']}; expected temporal")
    path = Path(said["inputs"][0])
    folder = Path(said["output"]) if said["output"] else path.with_suffix("")
    chosen = {name: said[name] for name in ("force", "skip_existing", "keep_mtime")}
    options = FrameOptions(job.keep_exif, job.compress, said["packed"], job.camera, job.weights, bool(said["denoise"]))
    manner = batch.Manner(**{name: said[name] for name in MANNER})
    raise typer.Exit(to_frames.recover(to_frames.Unreeling(path, folder, **chosen), options, manner))
