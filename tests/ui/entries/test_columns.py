"""Columns give back what was put in, and a million rows fit."""

from __future__ import annotations

import tracemalloc
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from dalbrowser.storage import Entry, EntryMode, Metadata, Metakey
from dalbrowser.ui.entries.columns import EntryColumns

ETAGS = st.one_of(
    st.none(),
    st.text(max_size=8),
    st.binary(min_size=16, max_size=16).map(lambda digest: f'"{digest.hex()}"'),
    st.tuples(st.binary(min_size=16, max_size=16), st.integers(0, 99_999)).map(
        lambda pair: f'"{pair[0].hex()}-{pair[1]}"'
    ),
)
METADATA = st.builds(
    Metadata,
    mode=st.sampled_from(EntryMode),
    content_length=st.one_of(st.none(), st.integers(0, 2**62)),
    content_type=st.sampled_from([None, "text/plain", "image/png"]),
    etag=ETAGS,
    last_modified=st.one_of(
        st.none(),
        st.datetimes(
            datetime(1, 1, 2),  # noqa: DTZ001
            datetime(9999, 12, 30),  # noqa: DTZ001
            timezones=st.just(UTC),
        ),
    ),
    storage_class=st.sampled_from([None, "STANDARD", "GLACIER"]),
    version=st.sampled_from([None, "v1"]),
    owner=st.sampled_from([None, "me"]),
    user_metadata=st.sampled_from([{}, {"mtime": "1.5"}]),
    known=st.sampled_from([Metakey.MODE, Metakey.MODE | Metakey.ETAG, Metakey.COMPLETE]),
)
ENTRIES = st.lists(st.builds(Entry, st.text(max_size=12).map("p/".__add__), METADATA))


@given(ENTRIES)
def test_every_entry_comes_back_as_it_was(entries: list[Entry]) -> None:
    columns = EntryColumns("p/")
    columns.append(entries)
    assert [columns.entry(row) for row in range(len(columns))] == entries


@given(ENTRIES, st.data())
def test_a_replaced_row_leaves_the_others_alone(entries: list[Entry], data: st.DataObject) -> None:
    if not entries:
        return
    columns = EntryColumns("p/")
    columns.append(entries)
    row = data.draw(st.integers(0, len(entries) - 1))
    newer = Entry(entries[row].path, data.draw(METADATA))
    columns.replace(row, newer)
    entries[row] = newer
    assert [columns.entry(row) for row in range(len(columns))] == entries


def test_a_path_outside_of_the_folder_stays_exact() -> None:
    columns = EntryColumns("p/")
    columns.append([Entry("elsewhere", Metadata(mode=EntryMode.FILE))])
    assert columns.path(0) == "elsewhere"


def test_a_row_takes_less_than_250_bytes() -> None:
    count = 15_000
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    tracemalloc.start()
    try:
        columns = EntryColumns("data/2026/")
        for number in range(count):
            found = Metadata(
                mode=EntryMode.FILE,
                content_length=number,
                etag=f'"{number:032x}"',
                last_modified=moment,
                storage_class="STANDARD",
                known=Metakey.MODE | Metakey.ETAG | Metakey.CONTENT_LENGTH,
            )
            name = f"data/2026/part-{number:08d}-of-the-export.parquet"
            columns.append((Entry(name, found),))
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size / count < 250
