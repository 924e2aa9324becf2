"""The options about clips, and how `render` and `recover` come to them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rawback.errors import UsageError

Codec = Annotated[str, typer.Option(help="Of clips: mjpeg (each frame contains its RAW), h264, hevc or ffv1.")]
Fps = Annotated[str | None, typer.Option(help="Of clips whose frames do not tell: frames a second, e.g. 25 or 23.976.")]
Packed = Annotated[bool, typer.Option("--packed", help="Of clips: samples of 12 bits, and all frames of one size.")]
MANNER = ("jobs", "timeout", "memory", "scheduler", "dry_run", "as_json", "quiet")


HEAD = 1 << 10


def is_movie(output: str | None) -> bool:
    """Whether a clip is to be made, by the name of the output."""
    from rawback.files.movie_writer import FORMATS

    return output is not None and output.lower().endswith(tuple(FORMATS))


def render(options, said: dict) -> None:
    """Render a folder of frames as the options say (`said`, by name), and exit."""
    from rawback import batch, clip_batch
    from rawback.files import cinema
    from rawback.files.movie_writer import CODECS

    folder = Path(said["inputs"][0]) if said["inputs"] and len(said["inputs"]) == 1 else None
    if folder is None or not folder.is_dir():
        raise UsageError(f"{said['output']} is a movie; name the one folder that holds its frames")
    if said["codec"] not in CODECS:
        raise UsageError(f"codec is {said['codec']}; expected one of {', '.join(CODECS)}")
    if said["codec"] != "mjpeg" and (said["keep"] or said["no_refine"]):
        raise UsageError(f"--keep and --no-refine are for mjpeg; {said['codec']} is steered by --quality alone")
    rate = cinema.rate_of(said["fps"]) if said["fps"] else None
    if said["fps"] and rate is None:
        raise UsageError(f"fps is {said['fps']}; expected frames a second, e.g. 25, 23.976 or 24000/1001")
    shooting = clip_batch.Shooting(folder, Path(said["output"]), said["codec"], rate, said["force"])
    manner = batch.Manner(**{name: said[name] for name in MANNER})
    raise typer.Exit(clip_batch.render(shooting, options, manner))


def is_clip(inputs: list[str] | None) -> bool:
    """Whether the one input is a movie, by its content."""
    from rawback.files import kinds

    if not inputs or len(inputs) != 1 or not Path(inputs[0]).is_file():
        return False
    with Path(inputs[0]).open("rb") as file:
        return kinds.is_movie(file.read(HEAD))


def recover(job, said: dict) -> None:
    """Recover the frames of a movie as the options say (`said`, by name), and exit."""
    from rawback import batch, clip_batch
    from rawback.clip_recovering import FrameOptions

    if job.linear:
        raise UsageError("--dng linear is for photos; the frames of a clip are mosaics")
    path = Path(said["inputs"][0])
    folder = Path(said["output"]) if said["output"] else path.with_suffix("")
    chosen = {name: said[name] for name in ("force", "skip_existing", "keep_mtime")}
    options = FrameOptions(job.keep_exif, job.compress, said["packed"], job.camera, job.weights)
    manner = batch.Manner(**{name: said[name] for name in MANNER})
    raise typer.Exit(clip_batch.recover(clip_batch.Unreeling(path, folder, **chosen), options, manner))
