"""The options that `render` and `recover` share: which files, where to, how many at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rawback.errors import UsageError

Sources = Annotated[
    list[str] | None,
    typer.Argument(metavar="FILE...", help="Files, folders (with -r) or URLs; - is standard input.", show_default=False),
]
FilesFrom = Annotated[Path | None, typer.Option(help="Take the files named in this one, one a line; - is standard input.")]
Null = Annotated[bool, typer.Option("-0", "--null", help="Names in --files-from end with NUL, as find -print0 writes them.")]
Recursive = Annotated[bool, typer.Option("-r", "--recursive", help="Take all photos in folders; the output mirrors the tree.")]
Include = Annotated[list[str] | None, typer.Option(help="In folders, only files like this, e.g. '*.CR2' or '2024/*'.")]
Exclude = Annotated[list[str] | None, typer.Option(help="In folders, no files like this.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]
Jobs = Annotated[int, typer.Option("-j", "--jobs", help="Files at a time, each in its own process; 0: one per core.")]
Timeout = Annotated[float, typer.Option(help="Of several files, give one up after so many seconds.")]
Memory = Annotated[int, typer.Option(help="Of several files, give one up that needs more MiB.")]
KeepMtime = Annotated[bool, typer.Option("--keep-mtime", help="Give outputs the modification times of their inputs.")]
Scheduler = Annotated[str | None, typer.Option(help="Have the workers of this Dask scheduler do it, e.g. tcp://host:8786.")]
SkipExisting = Annotated[bool, typer.Option("--skip-existing", help="Pass by inputs whose output exists and is not older.")]
Force = Annotated[bool, typer.Option("-f", "--force", help="Replace outputs that exist.")]
Output = Annotated[
    str | None,
    typer.Option("-o", "--output", help="A file, a folder or URL, or - for standard output. Default: beside the input."),
]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Only say what went wrong.")]


def run(job, suffix: str, kind: str, said: dict) -> None:
    """Run a verb over what the options say (`said`, by name), and exit."""
    from rawback.batch import batch, plan
    from rawback.batch.inputs import read_list

    if bool(said["inputs"]) == bool(said["files_from"]):
        raise UsageError("name the files to work on, or a list of them with --files-from (not both)")
    inputs = said["inputs"] or read_list(said["files_from"], said["null"])
    patterns = tuple(said["include"] or ()), tuple(said["exclude"] or ())
    chosen = {name: said[name] for name in ("force", "skip_existing", "keep_mtime")}
    manner = {name: said[name] for name in ("jobs", "timeout", "memory", "scheduler", "dry_run", "as_json", "quiet")}
    plans = plan.Plan(inputs, said["output"], suffix, kind, said["recursive"], *patterns, **chosen)
    raise typer.Exit(batch.run(plans, job, batch.Manner(**manner)))
