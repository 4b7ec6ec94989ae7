"""What the comparison of transfers rests on: links that change nothing, sums that are checked."""

from __future__ import annotations

import hashlib
import json
import random
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from tests.perf.contenders import COMMANDS, DOWN, UP, Carry, flag_sets
from tests.perf.link import link
from tests.perf.place import Place
from tests.perf.proof import clear, difference, local_sums, remote_sums
from tests.perf.shapes import SHAPES, Shape
from tests.perf.table import Row
from tests.servers.raw import RawS3

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers.s3_server import S3Server


@pytest.fixture
def upper() -> Iterator[int]:
    """The port of a server that says back the digest of what was sent, once that has ended."""

    def answer(end: socket.socket) -> None:
        with end:
            digest = hashlib.sha256()
            while block := end.recv(1 << 16):
                digest.update(block)
            end.sendall(digest.hexdigest().encode())

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            for _ in range(6):
                end, _ = listener.accept()
                threading.Thread(target=answer, args=(end,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]


def through(port: int, data: bytes) -> str:
    with socket.create_connection(("127.0.0.1", port), 30) as end:
        end.sendall(data)
        end.shutdown(socket.SHUT_WR)
        return end.makefile("rb").read().decode()


def test_a_link_passes_on_every_byte_of_every_connection_at_its_rate(upper: int) -> None:
    blocks = [random.Random(n).randbytes(300_000 + n) for n in range(4)]
    said: dict[int, str] = {}
    with link(upper, 0.02, 4e6) as port:
        begun = time.perf_counter()

        def one(number: int) -> None:
            said[number] = through(port, blocks[number])

        threads = [threading.Thread(target=one, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds = time.perf_counter() - begun
    assert said == {n: hashlib.sha256(block).hexdigest() for n, block in enumerate(blocks)}
    # 1.2 MB at 4 MB/s, and a round trip to connect, one to be answered.
    assert seconds >= 0.3 + 2 * 0.02


def test_what_is_missing_too_much_or_wrong_is_seen() -> None:
    assert difference({"a": "1"}, {"a": "1"}) == ""
    assert difference({}, {"a": "1"}).startswith("1 missing")
    assert "1 extra" in difference({"a": "1", "b": "2"}, {"a": "1"})
    assert "1 wrong" in difference({"a": "1"}, {"a": "2"})


def test_files_are_what_their_sums_say(tmp_path: Path) -> None:
    sums = Shape("few", 3, 5000).make(tmp_path)
    expected = json.loads(sums.read_text())
    assert len(expected) == 3
    assert local_sums(tmp_path / "few") == expected
    next(p for p in (tmp_path / "few").rglob("*.bin")).write_bytes(b"other")
    assert "1 wrong" in difference(local_sums(tmp_path / "few"), expected)


def test_objects_are_read_back_and_cleared(rclone_s3: S3Server, rclone_bucket: str) -> None:
    with RawS3(rclone_s3) as raw:
        for key in ("t/a", "t/b", "other"):
            raw.send("PUT", rclone_bucket, key, body=key.encode())
        place = Place(rclone_s3.endpoint, rclone_bucket, "us-east-1",
                      rclone_s3.access_key, rclone_s3.secret_key)  # fmt: skip
        found = remote_sums(place, "t/")
        assert found == {name: hashlib.sha256(f"t/{name}".encode()).hexdigest() for name in "ab"}
        clear(place, "t/")
        assert raw.keys(rclone_bucket) == ["other"]


def test_every_program_has_flags_for_every_shape(tmp_path: Path) -> None:
    for name, command in COMMANDS.items():
        for way in (UP, DOWN):
            for file in ("", "one.bin"):
                for flags in flag_sets(name, way, many=not file):
                    words = command(Carry(way, tmp_path, "perf", "t/x/", file), flags)
                    assert words[0] == name
                    assert any(str(tmp_path.parent) in word for word in words)
                    assert any("perf/t/" in word for word in words)


def test_the_quick_shapes_are_small_and_of_the_same_kind() -> None:
    for shape in SHAPES:
        small = shape.quick()
        assert small.many == shape.many
        assert small.size * small.count <= 300 << 20
        assert (small.round_trip, small.rate) == (shape.round_trip, shape.rate)
    assert Row("dal", [3.0, 1.0, 2.0]).median == 2.0
