"""The command that tells what this installation can do, and what it could."""

from __future__ import annotations

import json
import platform
from typing import Any

from rawback.files import extras
from rawback.messages import answer
from rawback.options.shared import AsJson
from rawback.version import __version__

LIBRARIES = ("numpy", "rawpy", "pillow", "jpeglib", "onnxruntime", "imageio", "tifffile", "piexif", "typer")
GAINED = {
    "heif": "reads the HEIC of phones and cameras",
    "jxl": "writes and reads JPEG XL, and DNG 1.7 with it inside",
    "video": "makes movies that contain their RAW, and frames of movies",
    "cluster": "works on several machines, and with s3://, gs:// and other URLs",
    "train": "trains weights of your own (`rawback train`)",
}
"""By extra: what it brings."""


def _versions(packages: tuple[str, ...]) -> dict[str, str | None]:
    """Of packages, None being not installed; nothing is imported for it."""
    from importlib import metadata  # slow to import

    found: dict[str, str | None] = {}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = None
    return found


def version() -> str:
    """What `rawback --version` says: rawback, its compiled core, Python and the libraries below it."""
    from rawback.isp.native import library

    known = [f"{name} {number}" for name, number in _versions(LIBRARIES).items() if number]
    python = f"{platform.python_implementation()} {platform.python_version()}, {platform.system()} {platform.machine()}"
    return f"rawback {__version__}\n{library.describe()}\n{python}\n{', '.join(known)}"


def state() -> dict[str, Any]:
    """All that `doctor` tells."""
    from rawback.cameras.cards import cards
    from rawback.isp.native import library

    parts = {extra: _versions(packages) for extra, packages in extras.PACKAGES.items()}
    return {
        "rawback": __version__, "python": platform.python_version(), "system": f"{platform.system()} {platform.machine()}",
        "core": library.library() is not None, "core_message": library.describe(), "libraries": _versions(LIBRARIES),
        "extras": {
            extra: {
                "installed": all(found.values()), "packages": found, "gain": GAINED[extra], "install": extras.command(extra),
            }
            for extra, found in parts.items()
        },
        "cards": len(cards()),
    }  # fmt: skip


def doctor(as_json: AsJson = False) -> None:
    """Tell what is installed, what more could be, and how."""
    facts = state()
    if as_json:
        answer(json.dumps(facts))
        return
    lines = [version(), f"{facts['cards']} cards of weights and looks; `rawback cameras` lists them", ""]
    for extra, told in facts["extras"].items():
        lines.append(f"{'yes' if told['installed'] else 'no ':3}  [{extra}] {told['gain']}")
        if not told["installed"]:
            lines.append(f"       to install: {told['install']}")
    answer("\n".join(lines))
