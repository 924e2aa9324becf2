"""Damaged files through the compiled decoders under AddressSanitizer and UBSan: none may fault.

    python benchmarks/sanitized.py -n 10000

Builds the core once more, with gcc and its sanitizers, beside a copy of the package, and feeds it in turn JPEGs with
damaged headers and scans; layers with damaged tables and blocks (of versions 1, 2 and 3, sums made right again); refinement
layers with damaged tables, strips and steps, and the mosaics that they make; and layers beside pictures whose levels are
anything. A fault ends the process with the sanitizer's report. The same -n and
--seed make the same files. Prints how many were decoded and how many refused.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined", "-g", "-O1", "-std=gnu11", "-shared", "-fPIC"]
INSIDE = "RAWBACK_SANITIZED"
"""Environment variable: that this is the process under the sanitizers."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    return _feed(chosen.n, chosen.seed) if INSIDE in os.environ else _under_sanitizers(sys.argv[1:])


def _under_sanitizers(arguments: list[str]) -> int:
    """This script again, in a process with the sanitizers and a core that was built with them."""
    library = subprocess.run(["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True, check=True).stdout.strip()
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / "rawback"
        shutil.copytree(ROOT / "rawback", package, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
        native = package / "isp" / "native"
        subprocess.run(["gcc", *SANITIZERS, "-o", native / "core.so", *sorted(native.glob("*.c"))], check=True)
        settings = {"LD_PRELOAD": library, "ASAN_OPTIONS": "detect_leaks=0", "UBSAN_OPTIONS": "print_stacktrace=1"}
        paths = os.pathsep.join([folder, str(ROOT / "tests")])
        environment = os.environ | settings | {"PYTHONPATH": paths, "RAWBACK_CORE": "plain", INSIDE: "1"}
        environment["PYTHONMALLOC"] = "malloc"
        return subprocess.run([sys.executable, __file__, *arguments], env=environment, check=False).returncode


def _feed(count: int, seed: int) -> int:
    import numpy as np

    from rawback.errors import RawbackError
    from rawback.isp.native.library import library

    assert library() is not None
    random, outcomes = np.random.default_rng(seed), Counter()
    layers, pictures = (_layer(name) for name in ("packed", "contexts", "linear")), map(_other_levels, ("contexts", "packed"))
    kinds = (_jpeg(), *layers, _refinement(), *pictures)
    for number in range(count):
        damaged = kinds[number % len(kinds)]
        try:
            decoded = damaged(random)
        except (RawbackError, MemoryError):
            decoded = False
        outcomes[damaged.__name__, "decoded" if decoded else "refused"] += 1
    for (name, what), number in sorted(outcomes.items()):
        print(f"{name}: {number} {what}")
    print(f"{count} without a fault")
    return 0


def _mutated(data: bytes, random) -> bytes:
    """Some bytes changed, inserted or left out; now and then cut short."""
    changed = bytearray(data)
    for _ in range(int(random.integers(1, 5))):
        at, kind = int(random.integers(0, len(changed))), int(random.integers(0, 10))
        if kind == 0:
            del changed[at : at + int(random.integers(1, 9))]
        elif kind == 1:
            changed[at:at] = random.bytes(int(random.integers(1, 9)))
        elif kind == 2 and at > 40:
            del changed[at:]
        else:
            changed[at] = int(random.integers(0, 256)) if kind < 8 else 0xFF
        if len(changed) < 2:
            return bytes(data)
    return bytes(changed)


def _jpeg():
    from small import jpeg_bytes

    from rawback.files import huffman
    from rawback.files.jpeg_file import JpegFile

    seeds = [jpeg_bytes(number, *size) for number, size in ((3, (96, 64)), (4, (100, 70)))]

    def jpegs(random) -> bool:
        data = seeds[int(random.integers(len(seeds)))]
        start = data.rindex(b"\xff\xda" if random.integers(4) else b"\xff\xdb")  # the scan, or its headers
        file = JpegFile(data[:start] + _mutated(data[start:], random))
        small = file.frame is not None and 0 < file.frame.width <= 4096 and 0 < file.frame.height <= 4096
        return small and huffman.read(file) is not None

    return jpegs


def _read(name: str):
    """Header and blocks of the layer of a file of tests/data/format, and its picture."""
    from rawback.files import jpeg, jumbf
    from rawback.files.jpeg_file import JpegFile
    from rawback.lossless import layer

    data = (ROOT / "tests" / "data" / "format" / f"{name}.jpg").read_bytes()
    stored = layer.read(jumbf.find(JpegFile(data)))
    return stored, layer.CODERS[stored.version], jpeg.read(data, name).coefficients


def _layer(name: str):
    stored, coder, picture = _read(name)

    def layers(random) -> bool:
        tables = _mutated_tables(stored.tables, random) if random.integers(3) == 0 else stored.tables
        block = stored.blocks[0]
        block = block[:8] + _mutated(block[8:], random)
        coder.from_bytes(tables, picture).decode(block, 0, picture.height)
        return True

    layers.__name__ = f"layers of version {stored.version}"
    return layers


def _refinement():
    """A refinement layer, and the mosaic that it makes."""
    import numpy as np

    from rawback.files import jpeg, jumbf
    from rawback.files.jpeg_file import JpegFile
    from rawback.isp import inverse_pass
    from rawback.lossless.refinement import layer, strip_coder
    from rawback.lossless.refinement.picture import coarse_strip, in_natural_order, strips
    from rawback.lossless.refinement.tables import CellTables

    data = (ROOT / "tests" / "data" / "format" / "layered.jpg").read_bytes()
    photo, stored = jpeg.read(data, "layered"), layer.read(jumbf.find(JpegFile(data)))
    picture, recipe, tables = photo.coefficients, photo.recipe, stored.by.to_bytes()
    rows = strips(*stored.blocks)[0]

    def refinements(random) -> bool:
        is_other = random.integers(3) == 0
        steps = np.minimum(random.integers(1, 1025, 64), 64 * picture.tables[0].astype(np.int64)) if is_other else stored.steps
        by = CellTables.from_bytes(_mutated(tables, random) if random.integers(3) == 0 else tables)
        coarse, near = coarse_strip(picture, rows, steps)
        strip_coder.zlib = _NoSum  # what is decoded is used, whatever its sum
        strip = stored.strips[0][4:] if is_other else _mutated(stored.strips[0][4:], random)
        levels = strip_coder.decode(bytes(4) + strip, coarse, near, by)
        fine = layer.refined(picture, in_natural_order(levels), replace(stored, steps=steps, by=by))
        inverse_pass.decode(fine, recipe)
        return True

    return refinements


class _NoSum:
    """In the place of zlib."""

    crc32 = staticmethod(lambda data: 0)


def _mutated_tables(tables: bytes, random) -> bytes:
    """The predictor's, packed again, so that they are not stopped by zlib's sum; or the bytes as they are."""
    import zlib

    size = int.from_bytes(tables[:4], "little")
    if random.integers(2):
        return tables[: 4 + size] + _mutated(tables[4 + size :], random)
    packed = zlib.compress(_mutated(zlib.decompress(tables[4 : 4 + size]), random))
    return len(packed).to_bytes(4, "little") + packed + tables[4 + size :]


def _other_levels(name: str):
    import numpy as np

    from rawback.errors import RawbackError

    stored, coder, picture = _read(name)

    def levels(random) -> bool:
        width, height = (int(side) for side in random.integers(1, 90, 2))
        v, h = ((1, 1), (1, 2), (2, 2))[int(random.integers(3))]
        blocks = [(-(-height // 8), -(-width // 8)), *[(-(-height // (8 * v)), -(-width // (8 * h)))] * 2]
        reach = int(random.choice([3, 300, 32767]))
        planes = [random.integers(-reach - 1, reach + 1, (*size, 64)).astype(np.int16) for size in blocks]
        tables = [random.integers(1, 65536, 64).astype(np.uint16) for _ in planes]
        other = replace(picture, width=width, height=height, planes=planes, tables=tables, factors=(v, h))
        by = coder.from_bytes(_mutated_tables(stored.tables, random), other)
        try:
            by.decode(stored.blocks[0], *by.blocks()[0])
        except RawbackError as error:
            return "another picture" in str(error)  # it was foretold
        return True

    levels.__name__ = f"levels beside version {stored.version}"
    return levels


if __name__ == "__main__":
    sys.exit(main())
