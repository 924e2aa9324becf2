"""The seal: whole and unchanged files hold it, any other does not."""

import hashlib
import json

import pytest

from rawback.files import seal


def test_the_seal_is_the_hash_of_the_file_with_its_digits_blank():
    data = b"head " + seal.TEXT.encode() + b" tail"
    (sealed,) = seal.sealed([data])
    assert hashlib.sha256(data).hexdigest().encode() in sealed
    assert seal.is_intact(sealed)


@pytest.mark.parametrize("at", [0, 30, -1])
def test_any_change_breaks_it(at: int):
    (sealed,) = seal.sealed([b"head " + seal.TEXT.encode() + b" tail"])
    changed = bytearray(sealed)
    changed[at] ^= 1
    assert not seal.is_intact(bytes(changed))
    assert not seal.is_intact(sealed + b"x") and not seal.is_intact(sealed[:-1])


def test_chunks_are_sealed_as_one_file(tmp_path):
    chunks = seal.sealed([b"a" * 1000, b"b" + seal.TEXT.encode(), memoryview(b"c" * 1000)])
    path = tmp_path / "a"
    path.write_bytes(b"".join(chunks))
    assert seal.is_intact_file(path)


def test_a_sealed_file_within_another_does_not_stand_for_it():
    (inner,) = seal.sealed([seal.TEXT.encode() + b"inner"])
    assert not seal.is_intact(b"outer" + inner)
    outer = b"".join(seal.sealed([b"outer" + inner + seal.TEXT.encode()]))
    assert seal.is_intact(outer)


def test_json_holds_it_with_escaped_marks():
    card = json.dumps({"seal": seal.TEXT, "name": "x"}).encode()
    assert seal.is_intact(b"".join(seal.sealed([card])))


@pytest.mark.parametrize("data", [b"", b"rawback", b"a drawback", seal.TEXT.encode()])
def test_a_word_is_no_seal(data: bytes, tmp_path):
    assert not seal.is_intact(data)
    path = tmp_path / "a"
    path.write_bytes(data)
    assert not seal.is_intact_file(path)
