"""How a job is written in a row: texts, icon and colour of each state; pure functions."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from dalbrowser.transfer import Direction, JobState, JobView
from dalbrowser.ui.format import (
    count_text,
    duration_text,
    short_name,
    size_text,
    speed_text,
    visible_line,
    visible_name,
)

_ICONS = {
    JobState.QUEUED: ("clock", "muted"),
    JobState.PREPARING: ("clock", "accent"),
    JobState.RUNNING: ("play", "accent"),
    JobState.FINALISING: ("play", "accent"),
    JobState.VERIFYING: ("verified", "accent"),
    JobState.DONE: ("check", "success"),
    JobState.SKIPPED: ("forward", "muted"),
    JobState.PAUSED: ("pause", "muted"),
    JobState.WAITING_NETWORK: ("offline", "warning"),
    JobState.WAITING_CREDENTIALS: ("key", "warning"),
    JobState.WAITING_LIMIT: ("clock", "muted"),
    JobState.NEEDS_ANSWER: ("question", "warning"),
    JobState.RETRYING: ("retry", "warning"),
    JobState.INTERRUPTED: ("warning", "warning"),
    JobState.SOURCE_CHANGED: ("warning", "danger"),
    JobState.FAILED: ("error", "danger"),
    JobState.CANCELLED: ("close", "muted"),
}
_DIRECTIONS = {
    Direction.UPLOAD: "upload",
    Direction.DOWNLOAD: "download",
    Direction.COPY: "copy",
    Direction.MOVE: "forward",
}


def tr(text: str) -> str:
    """Translate a text of the transfers panel."""
    return QCoreApplication.translate("transfers", text)


def state_icon(view: JobView) -> tuple[str, str]:
    """Return the icon's name and its colour for a job's state."""
    if view.state is JobState.DONE and view.integrity.startswith("verified"):
        return "verified", "success"
    return _ICONS[view.state]


def state_text(view: JobView) -> str:
    """Return the state in words, with a capital."""
    words = tr(view.words)
    if view.state is JobState.RETRYING and view.is_folder:
        words = tr(view.state.word)
    if view.state is JobState.DONE and view.integrity:
        # "done (verified: crc64nvme)": brackets within brackets are hard to read.
        proof = view.integrity.replace(" (", ": ").removesuffix(")")
        words = tr("done ({proof})").format(proof=proof)
    return words[:1].upper() + words[1:]


def plain_state(state: JobState) -> str:
    """Return the word of a state, with a capital."""
    word = tr(state.word)
    return word[:1].upper() + word[1:]


def plain_icon(state: JobState) -> tuple[str, str]:
    """Return a state's icon and its colour."""
    return _ICONS[state]


def direction_icon(view: JobView) -> str:
    """Return the name of the icon of an operation."""
    return _DIRECTIONS[view.direction]


def operation_text(view: JobView) -> str:
    """Return the operation with a capital."""
    return tr(view.direction.word.capitalize())


def percent(view: JobView) -> float | None:
    """Return how far the job is, 0 to 100; ``None`` while its size is not known."""
    if view.state is JobState.DONE:
        return 100.0
    if not view.total:
        return None
    return min(100.0, 100.0 * view.done / view.total)


def amount_text(view: JobView) -> str:
    """Return the bytes done of the total, and a folder's files."""
    total = size_text(view.total) if view.total is not None else "?"
    text = total if view.state is JobState.DONE else f"{size_text(view.done)} / {total}"
    if view.is_folder:
        files = f"{count_text(view.files_done)} / {count_text(view.files_total)}"
        form = tr("{bytes} · {files} files") if view.id > 0 else tr("{bytes} · {files}")
        return form.format(bytes=text, files=files)
    return text


def rate_text(view: JobView) -> str:
    """Return the speed of a job that moves."""
    return speed_text(view.speed) if view.speed > 0 and view.state.is_active else ""


def left_text(view: JobView) -> str:
    """Return the time left of a job that moves."""
    return duration_text(view.eta) if view.eta is not None and view.state.is_active else ""


def parts_text(view: JobView) -> str:
    """Return the parts done of all parts; nothing for a transfer in one piece."""
    if view.parts_total <= 1:
        return ""
    return f"{count_text(view.parts_done)} / {count_text(view.parts_total)}"


def error_text(view: JobView) -> str:
    """Return what went wrong, or else what there is to say."""
    if view.is_folder and view.files_failed and not view.error:
        if view.files_failed == 1:
            return tr("1 failed")
        return tr("{n} failed").format(n=count_text(view.files_failed))
    return visible_line(view.error or view.note)


def places_text(view: JobView) -> str:
    """Return where a job brings what to, on two lines."""
    return f"{visible_line(view.source)}\n→ {visible_line(view.target)}"


_NEXT = {
    JobState.QUEUED: "Starts when there is room; Run now does not wait for it.",
    JobState.PAUSED: "Resume goes on from what has arrived.",
    JobState.WAITING_NETWORK: "Goes on by itself when the service answers; Resume asks it now.",
    JobState.WAITING_CREDENTIALS: "Renew the keys of the connection, then Resume.",
    JobState.WAITING_LIMIT: "The service asked to slow down; goes on by itself.",
    JobState.NEEDS_ANSWER: "The target exists: answer above the list.",
    JobState.RETRYING: "Tries again by itself; Resume tries now.",
    JobState.INTERRUPTED: "Resume compares what has arrived and sends the rest.",
    JobState.SOURCE_CHANGED: "Retry begins anew with the source as it is now.",
    JobState.FAILED: "Retry goes on from what has arrived.",
}


def next_text(view: JobView) -> str:
    """Return what can be done about a state, or what will happen by itself."""
    text = _NEXT.get(view.state)
    return tr(text) if text else ""


def interrupted_text(views: list[JobView]) -> str:
    """Return the sentence of the banner about jobs that were cut off."""
    if len(views) == 1:
        view = views[0]
        what = tr("1 {direction} was interrupted: {name}").format(
            direction=view.direction.word, name=short_name(visible_name(view.name))
        )
    else:
        what = tr("{n} transfers were interrupted").format(n=count_text(len(views)))
    total = sum(view.total or 0 for view in views)
    if not total:
        return f"{what}."
    done = size_text(sum(view.done for view in views))
    return tr("{what}, {done} of {total} done.").format(
        what=what, done=done, total=size_text(total)
    )


NEEDING_A_PERSON = frozenset(
    {
        JobState.FAILED,
        JobState.NEEDS_ANSWER,
        JobState.SOURCE_CHANGED,
        JobState.INTERRUPTED,
        JobState.WAITING_CREDENTIALS,
    }
)


def summary_text(active: list[JobView], stuck: list[JobView]) -> str:
    """Return one short line about all work: how fast, how many run, how many wait for a person."""
    moving = [view for view in active if not view.is_folder]
    waiting = [view for view in stuck if not view.is_folder]
    parts: list[str] = []
    for direction, arrow in ((Direction.UPLOAD, "↑"), (Direction.DOWNLOAD, "↓")):
        speed = sum(view.speed for view in moving if view.direction is direction)
        if speed > 0:
            parts.append(f"{arrow} {speed_text(speed)}")
    if moving:
        parts.append(tr("{n} transferring").format(n=count_text(len(moving))))
    if waiting:
        needs = tr("1 needs attention") if len(waiting) == 1 else tr("{n} need attention")
        parts.append(needs.format(n=count_text(len(waiting))))
    return " · ".join(parts)
