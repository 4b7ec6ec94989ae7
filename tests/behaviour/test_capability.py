"""Capability honesty: a false flag refuses before any request, a true one works."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import pytest

from dalbrowser.storage import Capability, ErrorKind, Part
from tests.behaviour.probes import PROBES, Probe, refuses

if TYPE_CHECKING:
    from tests.behaviour.subject import Subject

_LIMITS = {item.name for item in fields(Capability) if "int" in str(item.type)}
_SUMMARIES = {"presign"}


def test_every_flag_has_a_probe() -> None:
    flags = {item.name for item in fields(Capability)}
    assert flags == set(PROBES) | _LIMITS | _SUMMARIES


@pytest.mark.parametrize("flag", sorted(PROBES))
async def test_flag(subject: Subject, flag: str) -> None:
    if getattr(subject.cap, flag):
        await PROBES[flag](await Probe(subject).prepare())
    else:
        await refuses(subject, flag)
        subject.note("unsupported", flag)


async def test_summaries(subject: Subject) -> None:
    cap = subject.cap
    presigns = (cap.presign_read, cap.presign_write, cap.presign_stat, cap.presign_delete)
    assert cap.presign is any(presigns)


async def test_limits_are_enforced_before_any_request(subject: Subject) -> None:
    op, cap, path = subject.op, subject.cap, subject.key()
    invalid = ErrorKind.INVALID_INPUT
    if cap.write_total_max_size is not None:
        over = cap.write_total_max_size + 1
        await subject.fails_unsent(invalid, op.writer(path, content_length=over).close())
    if cap.delete_max_size is not None:
        from dalbrowser.storage.options import OpDelete

        many = [(subject.key(str(n)), OpDelete()) for n in range(cap.delete_max_size + 1)]
        await subject.fails_unsent(invalid, op.accessor.delete_batch(many))
    if not cap.multipart:
        return
    upload = await op.create_multipart(path)
    if cap.write_multi_max_parts is not None:
        number = cap.write_multi_max_parts + 1
        await subject.fails_unsent(invalid, upload.write(number, b"x"))
    if cap.write_multi_max_size is not None:
        part = upload.writer(1, size=cap.write_multi_max_size + 1)
        await subject.fails_unsent(invalid, part.write(b"x"))
    if cap.write_multi_min_size is not None:
        small = [Part(n, cap.write_multi_min_size - 1, '"x"') for n in (1, 2)]
        await subject.fails_unsent(invalid, upload.complete(small))
    await upload.abort()
