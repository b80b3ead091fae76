"""Chunks are made smaller where that pays, which a sample of each decides."""

import random

import pytest

from backups.engine.chunks import CHUNK_BYTES, ChunkCodec
from backups.engine.format import Codec
from backups.engine.keys import ProjectKeys

KIB = 1024


@pytest.fixture
def codec() -> ChunkCodec:
    return ChunkCodec(ProjectKeys(bytes(32)))


def noise(length: int) -> bytes:
    return random.Random(length).randbytes(length)  # noqa: S311 - content only


@pytest.mark.parametrize("length", [700, 4 * KIB, 100 * KIB, CHUNK_BYTES])
def test_noise_is_stored_as_it_is(codec, length):
    plain = noise(length)
    kind, squeezed = codec.compress(plain)
    assert kind is Codec.PLAIN
    assert squeezed is plain


@pytest.mark.parametrize("length", [700, 4 * KIB, 100 * KIB, CHUNK_BYTES - 5, CHUNK_BYTES])
def test_text_is_compressed(codec, length):
    kind, squeezed = codec.compress(memoryview((b"some text that repeats itself " * 50000)[:length]))
    assert kind is Codec.ZSTD
    assert len(squeezed) < length / 4


@pytest.mark.parametrize("at", range(0, CHUNK_BYTES - 64 * KIB, 144 * KIB + 512))
def test_a_run_of_zeros_amid_noise_is_found_wherever_it_is(codec, at):
    plain = bytearray(noise(CHUNK_BYTES))
    plain[at : at + 65 * KIB] = bytes(65 * KIB)
    assert codec.compress(plain)[0] is Codec.ZSTD
