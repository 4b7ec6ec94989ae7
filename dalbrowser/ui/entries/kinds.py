"""What kind of file a name or a content type stands for: the word and the picture of a row.

A guess for the eye only; nothing is decided by it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from PySide6.QtCore import QCoreApplication


class Kind(NamedTuple):
    """A word for the Type column (still to be translated) and the name of an icon."""

    word: str
    icon: str


FOLDER = Kind("Folder", "folder")
BUCKET = Kind("Bucket", "bucket")
_FILE = Kind("File", "file")

_GROUPS: tuple[tuple[str, str, str], ...] = (
    ("Image", "file-image", "png jpg jpeg gif webp bmp tif tiff svg ico heic avif psd raw"),
    ("Video", "file-video", "mp4 mkv mov avi webm m4v mpg mpeg wmv ts"),
    ("Audio", "file-audio", "mp3 flac wav ogg opus m4a aac wma aiff"),
    ("Archive", "file-archive", "zip tar gz bz2 xz zst 7z rar tgz tbz2 txz lz4 br jar whl deb rpm"),
    ("Disk image", "disk", "iso img qcow2 vmdk vdi vhd vhdx dmg"),
    ("Table", "file-table", "csv tsv xls xlsx ods"),
    (
        "Data",
        "file-data",
        "parquet orc avro arrow feather db sqlite sqlite3 h5 hdf5 nc npy npz pkl",
    ),
    ("JSON", "file-code", "json jsonl ndjson geojson ipynb"),
    ("Markup", "file-code", "xml html htm xhtml yaml yml toml ini cfg conf env"),
    (
        "Source code",
        "file-code",
        "py js ts tsx jsx c h cc cpp hpp rs go java kt rb php pl sh bash zsh lua sql swift cs r"
        " scala css scss ps1 bat make cmake dockerfile tf",
    ),
    ("Text", "file-text", "txt md rst log out err tex text readme license changelog diff patch"),
    ("PDF document", "file-text", "pdf"),
    ("Document", "file-text", "doc docx odt rtf epub ppt pptx odp pages"),
)
_BY_ENDING = {
    ending: Kind(word, icon) for word, icon, endings in _GROUPS for ending in endings.split()
}
_BY_TYPE = {
    "image": Kind("Image", "file-image"),
    "video": Kind("Video", "file-video"),
    "audio": Kind("Audio", "file-audio"),
    "text": Kind("Text", "file-text"),
}


@lru_cache(maxsize=512)
def _of_ending(ending: str) -> Kind | None:
    return _BY_ENDING.get(ending.lower())


def kind_of(name: str, content_type: str | None = None) -> Kind:
    """Return the kind of a file, by the ending of its name and else by its content type."""
    by_name = _of_ending(name.rpartition(".")[2])
    if by_name is not None:
        return by_name
    if content_type:
        return _BY_TYPE.get(content_type.partition("/")[0], _FILE)
    return _FILE


def kind_text(name: str, kind: Kind) -> str:
    """Return the word for the Type column: ``Text (log)``, ``File``."""
    word = QCoreApplication.translate("kinds", kind.word)
    ending = name.rpartition(".")[2]
    if kind in {FOLDER, BUCKET, _FILE} or "." not in name or not ending.isalnum():
        return word
    # ``JSON`` and ``PDF document`` name their ending already.
    return word if ending.lower() in kind.word.lower().split() else f"{word} ({ending.lower()})"
