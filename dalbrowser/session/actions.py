"""What a person can do, as data: menus, toolbars and shortcuts are all made from this table.

An action is enabled when the selection fits and the service's capability has the flag
that it needs; nothing else decides.
"""

from __future__ import annotations

from enum import Enum

from dalbrowser.utils.records import record


class Selection(Enum):
    """Which selections an action works on."""

    ANY = "any"
    ONE = "one"
    SOME = "some"
    ONE_FILE = "one file"
    ONE_FOLDER = "one folder"
    FILES = "files"


@record()
class Action:
    """``needs`` names the ``Capability`` flags of which at least one must be true.

    ``menus`` says where it is shown: ``toolbar``, ``entry`` (context menu of rows),
    ``folder`` (context menu of the background), ``view``, ``connection``.
    """

    id: str
    title: str
    shortcuts: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    selection: Selection = Selection.ANY
    menus: tuple[str, ...] = ()
    icon: str = ""


ACTIONS: tuple[Action, ...] = (
    Action("back", "Back", ("Alt+Left",), menus=("toolbar",), icon="back"),
    Action("forward", "Forward", ("Alt+Right",), menus=("toolbar",), icon="forward"),
    Action("up", "Up", ("Alt+Up", "Backspace"), menus=("toolbar",), icon="up"),
    Action("reload", "Reload", ("F5", "Ctrl+R"), menus=("toolbar", "folder"), icon="reload"),
    Action(
        "open", "Open", ("Return", "Enter", "Alt+Down"), (), Selection.ONE, ("entry",), icon="open"
    ),
    Action(
        "open_in_new_tab",
        "Open in a new tab",
        ("Ctrl+Return", "Ctrl+Enter"),
        (),
        Selection.ONE_FOLDER,
        ("entry",),
    ),
    Action("preview", "Preview", ("Space",), ("read",), Selection.ONE_FILE, ("entry",), "preview"),
    Action(
        "download", "Download to…", ("Ctrl+S",), ("read",), Selection.SOME, ("entry",), "download"
    ),
    Action(
        "upload",
        "Upload files…",
        ("Ctrl+U",),
        ("write",),
        menus=("toolbar", "folder"),
        icon="upload",
    ),
    Action(
        "upload_folder",
        "Upload a folder…",
        ("Ctrl+Shift+U",),
        ("write",),
        menus=("folder",),
        icon="upload",
    ),
    Action(
        "new_folder",
        "New folder…",
        ("Ctrl+Shift+N",),
        ("create_dir",),
        menus=("toolbar", "folder"),
        icon="folder-new",
    ),
    Action("cut", "Cut", ("Ctrl+X",), ("delete",), Selection.SOME, ("entry",), "cut"),
    Action("copy", "Copy", ("Ctrl+C",), ("read",), Selection.SOME, ("entry",), "copy"),
    Action("paste", "Paste", ("Ctrl+V",), ("write",), menus=("entry", "folder"), icon="paste"),
    Action(
        "paste_into",
        "Paste into this folder",
        ("Ctrl+Shift+V",),
        ("write",),
        Selection.ONE_FOLDER,
        ("entry",),
        "paste",
    ),
    Action(
        "duplicate",
        "Duplicate",
        ("Ctrl+D",),
        ("write",),
        Selection.SOME,
        ("entry",),
        "duplicate",
    ),
    Action("copy_to", "Copy to…", (), ("read",), Selection.SOME, ("entry",), "copy"),
    Action("move_to", "Move to…", (), ("delete",), Selection.SOME, ("entry",), "cut"),
    Action(
        "rename",
        "Rename…",
        ("F2",),
        ("rename", "copy"),
        Selection.ONE_FILE,
        ("entry",),
        icon="rename",
    ),
    Action("delete", "Delete…", ("Delete",), ("delete",), Selection.SOME, ("entry",), "delete"),
    Action("copy_path", "Copy path", ("Ctrl+Shift+C",), (), Selection.ANY, ("entry", "folder")),
    Action("properties", "Properties", ("Alt+Return", "Ctrl+I"), (), Selection.ONE, ("entry",)),
    Action(
        "incomplete_uploads",
        "Incomplete uploads…",
        needs=("multipart_list_uploads",),
        menus=("folder", "view"),
    ),
    Action("select_all", "Select all", ("Ctrl+A",), menus=("folder",)),
    Action("invert_selection", "Invert the selection", ("Ctrl+Shift+A",), menus=("folder",)),
    Action("edit_path", "Edit the path", ("Ctrl+L",), menus=("view",)),
    Action("filter", "Filter", ("Ctrl+F", "/"), menus=("view",), icon="filter"),
    Action("toggle_hidden", "Show hidden files", ("Ctrl+H",), menus=("view",)),
    Action("toggle_preview", "Preview pane", ("F11",), menus=("view",), icon="preview"),
    Action("toggle_sidebar", "Sidebar", ("F9",), menus=("view",), icon="sidebar"),
    Action("toggle_transfers", "Transfers", ("Ctrl+J",), menus=("view",), icon="transfers"),
    Action("new_tab", "New tab", ("Ctrl+T",), menus=("folder", "view")),
    Action("close_tab", "Close tab", ("Ctrl+W",), menus=("view",)),
    Action("reopen_tab", "Reopen the closed tab", ("Ctrl+Shift+T",), menus=("view",)),
    Action("next_tab", "Next tab", ("Ctrl+Tab", "Ctrl+PgDown")),
    Action("previous_tab", "Previous tab", ("Ctrl+Shift+Tab", "Ctrl+PgUp")),
    Action("stop", "Stop", ("Escape",)),
    Action("add_connection", "Add connection…", ("Ctrl+N",), menus=("connection", "view")),
    Action("edit_connection", "Edit connection…", (), menus=("connection",)),
    Action("remove_connection", "Remove connection…", (), menus=("connection",)),
    Action("quit", "Quit", ("Ctrl+Q",), menus=("view",)),
)


def action(action_id: str) -> Action:
    """Return the action called ``action_id``; raises ``KeyError``."""
    return _BY_ID[action_id]


_BY_ID = {item.id: item for item in ACTIONS}
