"""Chains without end are found and cut; all others are left alone."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evtx_writer import write
from kazami.sources.evtx_chain import CHUNK, ended, endless

FILE = write([{"EventData": {f"Name{number}": "x" for number in range(200)}} for _ in range(5)])


def chunk(heads: dict[int, int], links: dict[int, int]) -> bytes:
    """A chunk with these offsets in its tables, by place, and these links."""
    data = bytearray(CHUNK)
    for place, value in (heads | links).items():
        struct.pack_into("<I", data, place, value)
    return bytes(data)


@pytest.mark.parametrize(
    ("heads", "links", "found"),
    [
        ({}, {}, []),
        ({128: 1000}, {}, []),
        ({128: 1000}, {1000: 1000}, [128]),
        ({128: 1000, 200: 3000}, {1000: 2000, 2000: 1000, 3000: 2000}, [128, 200]),
        ({128: 1000, 200: 3000}, {1000: 2000, 2000: 1000}, [128]),
        ({508: 1000}, {1000: 4000, 4000: 5000, 5000: 4000}, [508]),
        ({512: 1000}, {1000: 1000}, []),  # no table any more
        ({128: 65532}, {65532: 65532}, [128]),
        ({128: 65533}, {}, []),  # not within the chunk
        ({128: 0xFFFFFFFF, 132: 1000}, {1000: 1000}, [132]),
        ({128: 600}, {600 + 8 * n: 608 + 8 * n for n in range(500)}, []),  # long, and with an end
        ({128: 600}, {600 + 8 * n: 608 + 8 * n for n in range(500)} | {4600: 1000}, [128]),
    ],
)
def test_tables(heads: dict[int, int], links: dict[int, int], found: list[int]) -> None:
    data = chunk(heads, links)
    assert endless(data) == found
    changed = ended(data)
    assert [
        at for at in range(CHUNK) if data[at : at + 1] != changed[at : at + 1] and at // 4 * 4 not in found
    ] == []
    assert endless(changed) == []
    assert (changed is data) is not found or found


@settings(deadline=None)
@given(
    st.dictionaries(st.integers(0, 95), st.integers(0, 40)),
    st.dictionaries(st.integers(1, 40), st.one_of(st.integers(0, 40), st.just(2**31))),
)
def test_a_chain_is_endless_if_and_only_if_following_it_does_not_end(
    heads: dict[int, int], links: dict[int, int]
) -> None:
    def ends(link: int) -> bool:
        for _ in range(100):
            if not 0 < link <= 40:
                return True
            link = links.get(link, 0)
        return False

    data = chunk(
        {128 + 4 * bucket: 600 + 8 * link if link else 0 for bucket, link in heads.items()},
        {600 + 8 * at: 600 + 8 * link if 0 < link <= 40 else link for at, link in links.items()},
    )
    assert endless(data) == sorted(128 + 4 * bucket for bucket, link in heads.items() if not ends(link))


def test_an_honest_chunk_and_what_is_no_chunk_stay_as_they_are() -> None:
    honest = FILE[4096 : 4096 + CHUNK]
    for data in (honest, honest[:-1], b"", b"ElfChnk\0", bytes(100)):
        assert ended(data) is data


def test_chunks_that_windows_wrote_have_no_such_chains(shared: Path) -> None:
    several = 0
    for path in sorted((shared / "evtx-attack-samples").rglob("*.evtx"))[::7]:
        data = path.read_bytes()[4096:]
        for at in range(0, len(data) - CHUNK + 1, CHUNK):
            several += any(data[at + 128 : at + 384])
            assert endless(data[at : at + CHUNK]) == []
    assert several > 30
