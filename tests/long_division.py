"""Reed and Solomon's parity by long division, as docs/FORMAT.md says it: what rawback's own code is held against."""

from __future__ import annotations


def remainder(data: list[int], m: int) -> list[int]:
    """x^m times the data, modulo the generator."""

    def times(a: int, b: int) -> int:
        product = 0
        while b:
            product ^= a if b & 1 else 0
            a, b = a << 1 ^ (0x11D if a & 0x80 else 0), b >> 1
        return product

    generator, root = [1], 1
    for _ in range(m):
        generator = [a ^ times(b, root) for a, b in zip([*generator, 0], [0, *generator], strict=True)]
        root = times(root, 2)
    rest = [*data, *[0] * m]
    for i in range(len(data)):
        for j in range(1, m + 1):
            rest[i + j] ^= times(rest[i], generator[j])
    return rest[len(data) :]
