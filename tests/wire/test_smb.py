"""Messages of SMB: cut, chained and lying ones."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

import network_messages as messages
from kazami.wire import smb

WRITE = messages.file_over_smb(b"abc", read=False)[0]


def all_of(data: bytes) -> list[smb.Message | smb.Command]:
    found: list[smb.Message | smb.Command] = []
    for at, end in smb.frames(data, 100):
        found += [*smb.messages(data, at, end), *smb.commands(data, at, end)]
    return found


def test_what_is_written_where() -> None:
    parts = [one.asked() for one in all_of(WRITE) if one.asked()]
    assert parts == [smb.Part(b"\7" * 16, 0, b"abc")]
    (part,) = [
        one.asked()
        for one in all_of(messages.file_over_smb1(b"abcd", read=False)[0])
        if getattr(one, "code", 0) == smb.WRITE1 and one.asked().place
    ]  # type: ignore[union-attr]
    assert part == smb.Part(b"\x09\0", 2, b"cd")


def test_messages_that_are_chained() -> None:
    first, second = messages.smb2(6, bytes(24), 1)[4:], messages.smb2(6, bytes(24), 2)[4:]
    first = first[:20] + struct.pack("<I", len(first)) + first[24:]
    frame = first + second
    assert [one.number for one in smb.messages(frame, 0, len(frame))] == [1, 2]  # type: ignore[attr-defined]


@pytest.mark.parametrize("following", [1, 63, 1 << 31])
def test_a_chain_that_lies_ends(following: int) -> None:
    frame = messages.smb2(6, bytes(24), 1)[4:]
    frame = frame[:20] + struct.pack("<I", following) + frame[24:]
    assert len(list(smb.messages(frame, 0, len(frame)))) == 1


@given(st.sampled_from([*messages.smb(), *messages.smb1(), WRITE]), st.data())
def test_damage_never_raises(data: bytes, draw: st.DataObject) -> None:
    at = draw.draw(st.integers(0, len(data)))
    for one in all_of(
        data[:at] + draw.draw(st.binary(max_size=40)) + data[at + draw.draw(st.integers(0, 40)) :]
    ):
        one.asked(), one.answered(), one.opened()
        one.text(68 if isinstance(one, smb.Message) else one.body)
