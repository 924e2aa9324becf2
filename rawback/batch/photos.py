"""`render` and `recover` of photos, one or a million: what the command line calls."""

from __future__ import annotations

from rawback.batch import batch, plan
from rawback.batch.jobs import Recover, RecoverOriginal, Render
from rawback.batch.output_names import RAW
from rawback.errors import RawbackError, UsageError
from rawback.files import extras, jxl, paths
from rawback.files.paths import Location
from rawback.messages import say
from rawback.options.batch import BatchOptions
from rawback.options.files import FileOptions
from rawback.options.option import as_text
from rawback.options.recover import RecoverOptions
from rawback.options.render import ArchiveOptions, RenderOptions


def render(files: FileOptions, options: RenderOptions, archive: ArchiveOptions, run: BatchOptions) -> int:
    """RAW files -> JPEGs that contain them; returns the exit code. Raises RawbackError for what concerns all files."""
    job = Render(options, archive.delete_original, archive.jxl)
    suffix = jxl.SUFFIX if archive.jxl else ".jpg"
    if jxl.SUFFIX in (suffix, files.suffix):
        extras.check("jxl", jxl.MODULE, "writing JPEG XL")
    tasks = plan.tasks(files, suffix, "raw", as_text(options))
    sources = [task.source for task in tasks if not task.problem]
    if archive.learn and paths.STREAM in sources:
        raise UsageError("--learn reads the RAW files once more, and standard input is read once; name a file")
    code = batch.run(tasks, job, run, manifest=archive.manifest)
    if archive.learn:
        _learn(sources, run)
    return code


def _learn(sources: list[Location], run: BatchOptions) -> None:
    """Learn the looks of the cameras of RAW files, and say how well; that there are none to be had is no failure."""
    from rawback.calibrate import learn

    if run.dry_run:
        say(f"would learn the looks of the cameras of {len(sources)} RAW file{'s' * (len(sources) != 1)}")
        return
    try:
        learned = learn.learn(sources, say)
    except RawbackError as error:
        say(str(error))
        return
    for card in learned if not run.quiet else ():
        say(card.message())


def recover(files: FileOptions, options: RecoverOptions, run: BatchOptions) -> int:
    """JPEGs and other pictures -> DNGs, or the files they were made of; returns the exit code.

    Raises RawbackError for what concerns all files.
    """
    if options.original:
        from rawback.batch import originals

        return batch.run(plan.tasks(files, RAW, "jpeg", as_text(options), originals.outputs), RecoverOriginal(), run)
    return batch.run(plan.tasks(files, ".dng", "jpeg", as_text(options)), Recover(options), run)
