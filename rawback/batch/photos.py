"""`render` and `recover` of photos, one or a million: what the command line calls."""

from __future__ import annotations

from rawback.batch import batch, originals, plan
from rawback.batch.jobs import Recover, RecoverOriginal, Render
from rawback.batch.output_names import RAW
from rawback.files import jxl
from rawback.options.batch import BatchOptions
from rawback.options.files import FileOptions
from rawback.options.option import as_text
from rawback.options.recover import RecoverOptions
from rawback.options.render import ArchiveOptions, RenderOptions


def render(files: FileOptions, options: RenderOptions, archive: ArchiveOptions, run: BatchOptions) -> int:
    """RAW files -> JPEGs that contain them; returns the exit code. Raises RawbackError for what concerns all files."""
    job = Render(options, archive.delete_original, archive.jxl)
    suffix = jxl.SUFFIX if archive.jxl else ".jpg"
    return batch.run(plan.tasks(files, suffix, "raw", as_text(options)), job, run, manifest=archive.manifest)


def recover(files: FileOptions, options: RecoverOptions, run: BatchOptions) -> int:
    """JPEGs and other pictures -> DNGs, or the files they were made of; returns the exit code.

    Raises RawbackError for what concerns all files.
    """
    if options.original:
        return batch.run(plan.tasks(files, RAW, "jpeg", as_text(options), originals.outputs), RecoverOriginal(), run)
    return batch.run(plan.tasks(files, ".dng", "jpeg", as_text(options)), Recover(options), run)
