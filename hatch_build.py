"""Builds the compiled core where a C compiler is there, and says nothing where none is: the package works without.

hatchling runs it for every wheel. `python hatch_build.py` builds the core into a checkout.
"""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

SOURCES = Path(__file__).parent / "rawback" / "isp" / "native"
FLAGS = [
    "-std=gnu11", "-O3", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-fvisibility=hidden", "-shared",
]  # fmt: skip
"""-O3 for loops over vectors; no -ffast-math, and no contraction: the same bits on every processor."""
SUFFIX = {"win32": ".dll", "darwin": ".dylib"}.get(sys.platform, ".so")
VARIANTS = {"core": []} | ({"core_avx2": ["-mavx2"]} if platform.machine().lower() in ("x86_64", "amd64") else {})
LONGEST = 120
"""Seconds that a compiler may take."""


def compiler() -> list[str]:
    """The command of one that takes gcc's options; nothing if there is none."""
    for command in (os.environ.get("CC"), sysconfig.get_config_var("CC"), "cc", "gcc", "clang"):
        parts = shlex.split(command or "")
        if parts and shutil.which(parts[0]) and not parts[0].endswith("cl"):
            return parts
    return []


def build(folder: Path) -> list[Path]:
    """Compile into a folder; the libraries that came of it, none where the compiler fails."""
    command = compiler()
    if not command or os.environ.get("RAWBACK_CORE") == "off":
        return []
    built = []
    for name, flags in VARIANTS.items():
        target = folder / f"{name}{SUFFIX}"
        line = [*command, *FLAGS, *flags, *([] if SUFFIX == ".dll" else ["-fPIC"]), "-o", target, *sorted(SOURCES.glob("*.c"))]
        try:
            subprocess.run(line, check=True, capture_output=True, timeout=LONGEST)
        except (OSError, subprocess.SubprocessError) as error:
            print(f"rawback: no compiled core ({error}); it works without, slower", file=sys.stderr)
            return []
        built.append(target)
    return built


try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:
    pass
else:

    class CoreHook(BuildHookInterface):
        """Adds the libraries to a wheel; an editable installation gets them in its checkout."""

        def initialize(self, version: str, build_data: dict) -> None:
            """`version` is "editable" or "standard"."""
            self.scratch = tempfile.mkdtemp()
            built = build(SOURCES if version == "editable" else Path(self.scratch))
            if built and version != "editable":
                build_data["force_include"] |= {str(path): f"rawback/isp/native/{path.name}" for path in built}
            if built:
                machine = sysconfig.get_platform().replace("-", "_").replace(".", "_")
                build_data |= {"pure_python": False, "tag": f"py3-none-{machine}"}

        def finalize(self, version: str, build_data: dict, artifact_path: str) -> None:
            """Take away what was built beside the wheel."""
            shutil.rmtree(self.scratch, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(0 if build(SOURCES) else "no compiled core was built")
