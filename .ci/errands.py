"""Three strangers' errands from README alone, in a clean environment: python .ci/errands.py [PYTHON]

Installs this checkout into an environment of its own (or takes PYTHON, where it is installed), and runs what each story of
README prints, in its order, in an empty folder that holds only what README names. Each must come to what README promises.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NAMED = ("tests/data/sample.dng", "docs/before_after.jpg")
"""Files of the checkout that README's commands name."""
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```", re.MULTILINE | re.DOTALL)
DNG = (b"II*\0", b"MM\0*")


def photographer(folder: Path, python: Path) -> None:
    """A RAW to edit, of rawback's JPEG and of any."""
    for name in ("photo.dng", "standin.dng"):
        assert (folder / name).read_bytes()[:4] in DNG, name


def archivist(folder: Path, python: Path) -> None:
    """The very file, and a JPEG that is smaller."""
    original = (folder / NAMED[0]).read_bytes()
    assert (folder / "back/sample.dng").read_bytes() == original
    assert (folder / "archive.jpg").stat().st_size < len(original)


def researcher(folder: Path, python: Path) -> None:
    """Arrays, and figures of one's own file."""
    line = [python, "-m", "rawback", "evaluate", NAMED[0], "--quality", "90", "--crop", "256", "--json"]
    done = subprocess.run(line, cwd=folder, check=True, capture_output=True, text=True)
    assert json.loads(done.stdout)["raw_db"] > 45


STORIES: dict[str, Callable[[Path, Path], None]] = {
    "A photographer gets a RAW to edit": photographer,
    "An archive in files that everybody can look at": archivist,
    "Arrays for research": researcher,
}
"""Headings of README, and what must have come of the commands below them."""


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        python = Path(sys.argv[1]) if len(sys.argv) > 1 else installed(Path(scratch))
        for number, (heading, check) in enumerate(STORIES.items()):
            folder = Path(scratch, str(number))
            for name in NAMED:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, folder / name)
            ran = follow(heading, folder, python)
            check(folder, python)
            print(f"{heading}: {ran} blocks, as README says", flush=True)


def installed(scratch: Path) -> Path:
    """The Python of a new environment in which rawback is."""
    venv.create(scratch / "venv", with_pip=True)
    python = scratch / "venv" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", ROOT], check=True)
    return python


def follow(heading: str, folder: Path, python: Path) -> int:
    """Run the blocks of a section; returns how many there are. What Python prints must stand in README."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    blocks = BLOCK.findall(section)
    for language, text in blocks:
        if language == "python":
            done = subprocess.run([python, "-I", "-c", text], cwd=folder, check=True, capture_output=True, text=True)
            assert all(line in text for line in done.stdout.splitlines()), done.stdout
            continue
        for line in text.splitlines():
            words = shlex.split(line, comments=True)
            assert words[0] == "rawback", line
            subprocess.run([python, "-I", "-m", *words], cwd=folder, check=True, capture_output=True)
    assert blocks, heading
    return len(blocks)


if __name__ == "__main__":
    main()
