"""The secret store: never blocked for long, never plain on disk, read once, said plainly."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import subprocess
import sys
import threading
import time
import traceback
from typing import TYPE_CHECKING

import pytest
from keyring.backends import fail, null
from keyring.backends.chainer import ChainerBackend
from keyring.errors import KeyringLocked

from dalbrowser.profiles import SecretsKept, SecretStore
from dalbrowser.profiles.keyring_thread import NoKeyring, acceptable
from tests.servers.keyring import BlockedKeyring, MemoryKeyring

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from keyring.backend import KeyringBackend

HUSH = "hush-hush-very-secret"


@pytest.fixture
def memory() -> MemoryKeyring:
    return MemoryKeyring()


@pytest.fixture
def blocked() -> Iterator[BlockedKeyring]:
    keyring = BlockedKeyring()
    yield keyring
    keyring.answer()


def store_over(keyring: KeyringBackend, deadline: float = 30.0) -> SecretStore:
    return SecretStore(deadline=deadline, find_backend=lambda: keyring)


def no_keyring() -> KeyringBackend:
    backend: KeyringBackend = fail.Keyring()  # type: ignore[no-untyped-call]
    return backend


async def test_set_is_kept_in_one_item(memory: MemoryKeyring) -> None:
    store = store_over(memory)
    kept = await store.set("id", {"secret_access_key": HUSH, "session_token": ""})
    assert kept is SecretsKept.KEYRING
    assert store.problem is None
    assert memory.items == {("dalbrowser", "id"): f'{{"secret_access_key": "{HUSH}"}}'}
    assert await store_over(memory).get("id") == {"secret_access_key": HUSH}


async def test_a_secret_is_read_once(memory: MemoryKeyring) -> None:
    await store_over(memory).set("id", {"a": HUSH})
    store = store_over(memory)
    for _ in range(3):
        assert await store.get("id") == {"a": HUSH}
    assert await asyncio.gather(*(store.get("none") for _ in range(5))) == [{}] * 5
    assert memory.reads == ["id", "none"]


async def test_the_keyring_is_called_in_its_own_thread(memory: MemoryKeyring) -> None:
    store = store_over(memory)
    await store.set("id", {"a": HUSH})
    await store.get("other")
    assert memory.threads == {"keyring"}


async def test_what_is_returned_is_a_copy(memory: MemoryKeyring) -> None:
    store = store_over(memory)
    await store.set("id", {"a": HUSH})
    (await store.get("id"))["a"] = "changed"
    assert await store.get("id") == {"a": HUSH}


async def test_delete_forgets_and_may_be_repeated(memory: MemoryKeyring) -> None:
    store = store_over(memory)
    await store.set("id", {"a": HUSH})
    await store.delete("id")
    await store.delete("id")
    assert memory.items == {}
    assert await store.get("id") == {}
    assert store.problem is None


async def test_setting_nothing_deletes(memory: MemoryKeyring) -> None:
    store = store_over(memory)
    await store.set("id", {"a": HUSH})
    await store.set("id", {"a": ""})
    assert memory.items == {}


async def test_generation_grows_with_each_change(memory: MemoryKeyring) -> None:
    store = store_over(memory)
    before = store.generation("id")
    await store.set("id", {"a": HUSH})
    middle = store.generation("id")
    await store.delete("id")
    assert before < middle < store.generation("id")


async def test_an_open_dialog_costs_the_deadline_once(blocked: BlockedKeyring) -> None:
    store = store_over(blocked, deadline=1.0)
    loop = asyncio.get_running_loop()
    assert await store.get("id") == {}
    assert store.problem is not None
    assert "did not answer" in store.problem
    assert "this session only" in store.problem
    begun = loop.time()
    assert await store.get("other") == {}
    assert await store.set("id", {"a": HUSH}) is SecretsKept.SESSION_ONLY
    assert await store.get("id") == {"a": HUSH}
    assert loop.time() - begun < 1.0, "the deadline is not waited for again"


async def test_a_dialog_answered_late_is_as_good(blocked: BlockedKeyring) -> None:
    blocked.items["dalbrowser", "id"] = '{"a": "' + HUSH + '"}'
    store = store_over(blocked, deadline=0.05)
    assert await store.get("id") == {}
    blocked.answer()
    while store.problem is not None:  # noqa: ASYNC110 - the keyring's thread sets no event
        await asyncio.sleep(0.001)
    assert await store.get("id") == {"a": HUSH}
    assert await store.set("id", {"a": "new"}) is SecretsKept.KEYRING


async def test_changes_behind_an_open_dialog_end_in_order(blocked: BlockedKeyring) -> None:
    store = store_over(blocked, deadline=0.05)
    await store.set("id", {"a": HUSH})
    await store.set("id", {"a": "newer"})
    await store.set("gone", {"a": HUSH})
    await store.delete("gone")
    blocked.answer()
    assert await store.try_again() is SecretsKept.KEYRING
    assert blocked.items == {("dalbrowser", "id"): '{"a": "newer"}'}


async def test_what_is_set_while_an_older_is_read_wins(blocked: BlockedKeyring) -> None:
    blocked.items["dalbrowser", "id"] = '{"a": "old"}'
    store = store_over(blocked)
    reading = asyncio.create_task(store.get("id"))
    await asyncio.to_thread(blocked.asked.wait)
    setting = asyncio.create_task(store.set("id", {"a": "new"}))
    await asyncio.sleep(0)
    blocked.answer()
    await setting
    assert await reading == {"a": "new"}
    assert await store.get("id") == {"a": "new"}


async def test_one_waiter_that_gives_up_does_not_stop_the_other(blocked: BlockedKeyring) -> None:
    blocked.items["dalbrowser", "id"] = '{"a": "x"}'
    store = store_over(blocked)
    first = asyncio.create_task(store.get("id"))
    second = asyncio.create_task(store.get("id"))
    await asyncio.to_thread(blocked.asked.wait)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    blocked.answer()
    assert await second == {"a": "x"}


class Locked(MemoryKeyring):
    """A keyring whose dialog was dismissed."""

    def get_password(self, service: str, username: str) -> str | None:
        self.reads.append(username)
        raise KeyringLocked(f"Failed to unlock the collection! {HUSH}")

    def set_password(self, service: str, username: str, password: str) -> None:
        raise KeyringLocked(f"{password} not stored")


async def test_a_locked_keyring_is_asked_once_and_said() -> None:
    keyring = Locked()
    store = store_over(keyring)
    assert await store.get("id") == {}
    assert await store.get("other") == {}
    assert keyring.reads == ["id"]
    assert store.problem is not None
    assert store.problem.startswith("The keyring is locked. Secrets are kept for this session")
    assert await store.set("id", {"a": HUSH}) is SecretsKept.SESSION_ONLY
    assert await store.get("id") == {"a": HUSH}


class Broken(MemoryKeyring):
    """A keyring that quotes the secret in its error."""

    def set_password(self, service: str, username: str, password: str) -> None:
        raise RuntimeError(f"cannot store {password}")


async def test_a_failure_tells_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    store = store_over(Broken())
    assert await store.set("id", {"a": HUSH}) is SecretsKept.SESSION_ONLY
    assert store.problem is not None
    assert "RuntimeError" in store.problem
    for text in (store.problem, repr(store), caplog.text):
        assert HUSH not in text
    await store.try_again()  # writes what is owed, and fails once more
    # Nothing that is still referenced carries a traceback through a failed call, as soon as
    # the keyring's thread has let go of it.
    until = time.monotonic() + 10
    while _quoting(HUSH) and time.monotonic() < until:
        await asyncio.to_thread(gc.collect)
    assert not _quoting(HUSH)


def _quoting(text: str) -> list[RuntimeError]:
    gc.collect()
    errors = [item for item in gc.get_objects() if isinstance(item, RuntimeError)]
    return [error for error in errors if text in "".join(traceback.format_exception(error))]


@pytest.mark.parametrize("backend", [fail.Keyring, null.Keyring])
async def test_no_keyring_is_session_only(backend: Callable[[], KeyringBackend]) -> None:
    store = SecretStore(find_backend=backend)
    assert await store.set("id", {"a": HUSH}) is SecretsKept.SESSION_ONLY
    assert store.problem is not None
    assert "no keyring" in store.problem
    assert await store.get("id") == {"a": HUSH}


class PlaintextKeyring(MemoryKeyring):
    """Stands for keyrings.alt.file.PlaintextKeyring, which writes a file."""


async def test_a_plain_file_is_no_keyring() -> None:
    keyring = PlaintextKeyring()
    assert await store_over(keyring).set("id", {"a": HUSH}) is SecretsKept.SESSION_ONLY
    assert keyring.items == {}


def test_of_a_chain_the_first_good_one_is_used() -> None:
    good = MemoryKeyring()

    class Chain(ChainerBackend):
        backends = (PlaintextKeyring(), good)

    class BadChain(ChainerBackend):
        backends = (PlaintextKeyring(), no_keyring())

    assert acceptable(Chain()) is good  # type: ignore[no-untyped-call]
    with pytest.raises(NoKeyring):
        acceptable(BadChain())  # type: ignore[no-untyped-call]


async def test_try_again_uses_a_keyring_that_came_back(memory: MemoryKeyring) -> None:
    found: list[KeyringBackend] = [no_keyring()]
    store = SecretStore(find_backend=lambda: found[0])
    await store.get("id")
    assert store.state is SecretsKept.SESSION_ONLY
    memory.items["dalbrowser", "id"] = '{"a": "x"}'
    found[0] = memory
    assert await store.try_again() is SecretsKept.KEYRING
    assert await store.get("id") == {"a": "x"}


class Lockable(MemoryKeyring):
    """A keyring that a person locks and unlocks."""

    locked = True

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise KeyringLocked
        return super().get_password(service, username)

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.locked:
            raise KeyringLocked
        super().set_password(service, username, password)

    def delete_password(self, service: str, username: str) -> None:
        if self.locked:
            raise KeyringLocked
        super().delete_password(service, username)


async def _changed_while_locked(keyring: Lockable) -> SecretStore:
    """Return a store that was given a new secret, and told to forget another, in vain."""
    keyring.items.update(
        {("dalbrowser", "id"): '{"a": "old"}', ("dalbrowser", "gone"): '{"a": "x"}'}
    )
    store = store_over(keyring)
    assert await store.set("id", {"a": "new"}) is SecretsKept.SESSION_ONLY
    await store.delete("gone")
    assert len(keyring.items) == 2
    keyring.locked = False
    return store


async def test_what_was_changed_while_locked_is_written_once_it_is_unlocked() -> None:
    keyring = Lockable()
    store = await _changed_while_locked(keyring)
    assert await store.try_again() is SecretsKept.KEYRING
    assert keyring.items == {("dalbrowser", "id"): '{"a": "new"}'}
    assert await store_over(keyring).get("id") == {"a": "new"}


async def test_another_change_that_finds_it_unlocked_brings_the_earlier_ones_along() -> None:
    keyring = Lockable()
    store = await _changed_while_locked(keyring)
    assert await store.set("other", {"b": "y"}) is SecretsKept.KEYRING
    assert keyring.items == {
        ("dalbrowser", "id"): '{"a": "new"}',
        ("dalbrowser", "other"): '{"b": "y"}',
    }


async def test_a_change_leaves_what_was_not_typed(memory: MemoryKeyring) -> None:
    memory.items["dalbrowser", "id"] = '{"a": "x", "b": "y"}'
    store = store_over(memory)
    assert await store.change("id", {"b": "new", "c": ""}) is SecretsKept.KEYRING
    assert json.loads(memory.items["dalbrowser", "id"]) == {"a": "x", "b": "new"}
    assert await store.get("id") == {"a": "x", "b": "new"}


async def test_a_change_of_nothing_asks_no_keyring(memory: MemoryKeyring) -> None:
    memory.items["dalbrowser", "id"] = '{"a": "x"}'
    store = store_over(memory)
    assert await store.change("id", {"a": ""}) is SecretsKept.KEYRING
    assert memory.reads == []
    assert memory.items == {("dalbrowser", "id"): '{"a": "x"}'}


@pytest.mark.parametrize(
    ("typed", "kept"), [({}, {"a": "x", "b": "y"}), ({"b": "new"}, {"a": "x", "b": "new"})]
)
async def test_a_change_while_locked_loses_no_secret(
    typed: dict[str, str], kept: dict[str, str]
) -> None:
    keyring = Lockable()
    keyring.items["dalbrowser", "id"] = '{"a": "x", "b": "y"}'
    store = store_over(keyring)
    assert await store.get("id") == {}
    assert await store.change("id", typed) is SecretsKept.SESSION_ONLY
    assert await store.get("id") == typed
    keyring.locked = False
    assert await store.try_again() is SecretsKept.KEYRING
    assert json.loads(keyring.items["dalbrowser", "id"]) == kept
    assert await store.get("id") == kept


async def test_a_change_behind_an_open_dialog_loses_no_secret(blocked: BlockedKeyring) -> None:
    blocked.items["dalbrowser", "id"] = '{"a": "x", "b": "y"}'
    store = store_over(blocked, 0.05)
    assert await store.change("id", {"b": "new"}) is SecretsKept.SESSION_ONLY
    blocked.answer()
    await store.try_again()
    assert json.loads(blocked.items["dalbrowser", "id"]) == {"a": "x", "b": "new"}
    assert await store.get("id") == {"a": "x", "b": "new"}


@pytest.mark.parametrize("text", ["", "not json", "[1]", '"x"'])
async def test_an_item_that_is_not_ours_counts_as_empty(memory: MemoryKeyring, text: str) -> None:
    memory.items["dalbrowser", "id"] = text
    assert await store_over(memory).get("id") == {}


def test_two_loops_in_two_threads_share_one_store(memory: MemoryKeyring) -> None:
    memory.items["dalbrowser", "id"] = '{"a": "x"}'
    store = store_over(memory)
    barrier = threading.Barrier(2)
    found: list[dict[str, str]] = []

    async def work() -> None:
        barrier.wait()
        for number in range(50):
            found.append(await store.get("id"))
            await store.set(f"{threading.get_ident()}-{number}", {"n": str(number)})

    threads = [threading.Thread(target=lambda: asyncio.run(work())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [{"a": "x"}] * 100
    assert memory.reads == ["id"]
    assert len(memory.items) == 101
    assert store.problem is None


def test_a_keyring_that_hangs_does_not_keep_the_program_from_ending(tmp_path: Path) -> None:
    program = tmp_path / "hang.py"
    program.write_text(
        "import asyncio\n"
        "from dalbrowser.profiles import SecretStore\n"
        "from tests.servers.keyring import BlockedKeyring\n"
        "store = SecretStore(deadline=0.05, find_backend=BlockedKeyring)\n"
        "print(asyncio.run(store.get('id')), store.state.value)\n"
    )
    done = subprocess.run(
        [sys.executable, str(program)],
        capture_output=True, text=True, timeout=30, check=True, env={"PYTHONPATH": "."},
    )  # fmt: skip
    assert done.stdout == "{} session only\n"


async def test_closed_it_leaves_no_thread_and_loses_no_change(memory: MemoryKeyring) -> None:
    store = store_over(memory)
    before = set(threading.enumerate())
    writing = asyncio.create_task(store.set("id", {"a": HUSH}))
    await asyncio.sleep(0)
    (thread,) = set(threading.enumerate()) - before
    store.close()
    store.close()
    assert await writing is SecretsKept.KEYRING
    await asyncio.to_thread(thread.join, 10)
    assert not thread.is_alive()
    assert list(memory.items) == [("dalbrowser", "id")]
    assert await store.set("other", {"a": HUSH}) is SecretsKept.KEYRING, "begun anew"
    store.close()
