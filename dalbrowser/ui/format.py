"""How numbers, times and keys are written for a person: pure functions, no widget.

Sizes are in IEC units, times in the locale's form and the local zone. Invariant: a key
that looks like another is never shown like it; control characters, blanks at the ends
and empty names are made visible.
"""

from __future__ import annotations

import html
import unicodedata
from datetime import UTC, datetime, timedelta

from PySide6.QtCore import QCoreApplication, QDate, QLocale, QTime

from dalbrowser.utils.shortening import shortened

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_STEP = 1024
_DAY = 86_400
_HOUR = 3_600
_MINUTE = 60
_LARGEST = 2**63 - 1
"""Qt's largest integer; a server may say anything."""
_LONGEST_TITLE = 60
"""Characters of a name in a title: two lines of a dialog."""


def _tr(text: str) -> str:
    return QCoreApplication.translate("format", text)


def _locale() -> QLocale:
    """Return the person's locale; plain "C" has no group separators and gets the British."""
    found = QLocale()
    if found.language() is QLocale.Language.C:
        return QLocale(QLocale.Language.English, QLocale.Country.UnitedKingdom)
    return found


def count_text(number: int) -> str:
    """Write a count with the locale's group separators: ``12,000``."""
    if number > _LARGEST:
        return f"{number:,}"
    return _locale().toString(number)


def size_text(size: int | None) -> str:
    """Write a size in IEC units with three significant digits: ``41.2 GiB``; unknown is empty."""
    if size is None:
        return ""
    value = float(size)
    unit = 0
    # 1023.95 would be written as 1024: the next unit begins where rounding reaches it.
    while value >= _STEP - 0.5 and unit < len(_UNITS) - 1:
        value /= _STEP
        unit += 1
    digits = 0 if unit == 0 or value >= 99.95 else 1 if value >= 9.995 else 2
    return f"{_locale().toString(value, 'f', digits)} {_UNITS[unit]}"


def exact_size(size: int) -> str:
    """Write a size to the byte: ``1,234,567 bytes``."""
    if size == 1:
        return _tr("1 byte")
    return _tr("{count} bytes").format(count=count_text(size))


def speed_text(bytes_per_second: float) -> str:
    """Write a speed: ``84.0 MiB/s``."""
    return _tr("{size}/s").format(size=size_text(round(bytes_per_second)))


def duration_text(seconds: float) -> str:
    """Write a duration in its two largest units: ``3 h 20 min``."""
    left = max(0, round(seconds))
    if left < _MINUTE:
        return _tr("{n} s").format(n=left)
    if left < _HOUR:
        return _tr("{n} min {m} s").format(n=left // _MINUTE, m=left % _MINUTE)
    if left < _DAY:
        return _tr("{n} h {m} min").format(n=left // _HOUR, m=left % _HOUR // _MINUTE)
    return _tr("{n} d {m} h").format(n=left // _DAY, m=left % _DAY // _HOUR)


def time_text(moment: datetime | None, now: datetime | None = None) -> str:
    """Write a time in the local zone, shortly: today's as a time of day, else with its date."""
    if moment is None:
        return ""
    local = _local(moment)
    today = (now or datetime.now(UTC)).astimezone().date()
    clock = _locale().toString(QTime(local.hour, local.minute), QLocale.FormatType.ShortFormat)
    if local.date() == today:
        return _tr("Today, {time}").format(time=clock)
    if local.date() == today - timedelta(days=1):
        return _tr("Yesterday, {time}").format(time=clock)
    if local.year == today.year:
        return _tr("{date}, {time}").format(
            date=_locale().toString(QDate(local.year, local.month, local.day), "d MMM"), time=clock
        )
    return _locale().toString(QDate(local.year, local.month, local.day), "d MMM yyyy")


def exact_time(moment: datetime) -> str:
    """Write a time to what the service gave, with its zone, local and in UTC."""
    local = _local(moment)
    long = QLocale.FormatType.LongFormat
    day = _locale().toString(QDate(local.year, local.month, local.day), long)
    # The locale's own form, but for its zone ("t"): that would be the window's, spelt out.
    form = _locale().timeFormat(long).replace("t", "").strip()
    clock = _locale().toString(QTime(local.hour, local.minute, local.second), form)
    spoken = _tr("{date}, {time} {zone}").format(date=day, time=clock, zone=_zone(local))
    exact = moment.astimezone(UTC).isoformat(sep=" ").replace("+00:00", " UTC")
    return f"{spoken}\n{exact}"


def _local(moment: datetime) -> datetime:
    """Return a time in the local zone; in its own where that leaves the years 1 to 9999.

    An error here would be one in a model that Qt asks, which ends the process.
    """
    try:
        return moment.astimezone()
    except (OverflowError, ValueError, OSError):
        return moment


def _zone(local: datetime) -> str:
    """Write a zone by its offset, which everybody reads alike: ``UTC``, ``UTC+5:30``."""
    minutes = round((local.utcoffset() or timedelta()).total_seconds() / _MINUTE)
    if minutes == 0:
        return "UTC"
    sign, rest = ("+", minutes) if minutes > 0 else ("−", -minutes)
    clock = f"{rest // 60}:{rest % 60:02}" if rest % 60 else f"{rest // 60}"
    return f"UTC{sign}{clock}"


def visible_name(name: str) -> str:
    """Write a name so that nothing in it hides.

    Control, invisible and direction-changing characters become their number (few fonts
    have pictures of them), blanks at either end an open box, the empty name ``⟨empty⟩``.
    """
    if not name:
        return "⟨empty⟩"
    if name.isalnum() or (name.isascii() and name.isprintable() and name.strip() == name):
        return name
    shown = "".join(_visible_char(char) for char in name)
    head = len(shown) - len(shown.lstrip(" "))
    tail = len(shown) - len(shown.rstrip(" "))
    if head == len(shown):
        return "␣" * head
    return "␣" * head + shown[head : len(shown) - tail] + "␣" * tail


def _visible_char(char: str) -> str:
    code = ord(char)
    category = unicodedata.category(char)
    if category in {"Cc", "Cf", "Zl", "Zp", "Cs", "Cn"} or (category == "Zs" and char != " "):
        return f"⟨U+{code:04X}⟩"
    return char


def visible_line(text: str) -> str:
    """Write a sentence with names in it, or a path, on one line so that nothing in it hides."""
    lines = (line.strip() for line in text.splitlines())
    return " ".join(visible_name(line) for line in lines if line)


def tip_text(text: str) -> str:
    """Write a tooltip so that it is read as it stands: Qt takes ``<b>`` in a name for markup."""
    if "<" not in text and "&lt;" not in text:
        return text
    return f'<p style="white-space: pre-wrap">{html.escape(text)}</p>'


def items_text(count: int) -> str:
    """Write a number of items: ``1 item``, ``12,000 items``."""
    if count == 1:
        return _tr("1 item")
    return _tr("{count} items").format(count=count_text(count))


def short_name(name: str) -> str:
    """Return a name for a title: of a long one its beginning and its end."""
    return shortened(name, _LONGEST_TITLE)
