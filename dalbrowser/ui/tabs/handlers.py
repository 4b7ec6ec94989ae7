"""What the actions do that concern a tab, or the tabs.

Invariant: each looks up the tab in front when it is done, never when the table is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dalbrowser.ui.tabs.stack import TabStack
    from dalbrowser.ui.tabs.tab import Tab

    Handler = Callable[[], None]
    Pick = Callable[[Tab], Callable[[], object]]

_IN_FRONT: Mapping[str, Pick] = {
    "back": lambda tab: tab.navigator.back,
    "forward": lambda tab: tab.navigator.forward,
    "up": lambda tab: tab.navigator.up,
    "open": lambda tab: tab.open_selected,
    "open_in_new_tab": lambda tab: tab.open_selected_apart,
    "download": lambda tab: tab.traffic.download,
    "upload": lambda tab: tab.traffic.choose_files,
    "upload_folder": lambda tab: tab.traffic.choose_folder,
    "new_folder": lambda tab: tab.changes.new_folder,
    "rename": lambda tab: tab.changes.rename,
    "delete": lambda tab: tab.changes.delete,
    "copy_path": lambda tab: tab.changes.copy_path,
    "properties": lambda tab: tab.changes.properties,
    "incomplete_uploads": lambda tab: tab.changes.incomplete_uploads,
    "select_all": lambda tab: tab.view.selectAll,
    "invert_selection": lambda tab: tab.view.invert_selection,
}


def in_front(tabs: TabStack, pick: Pick) -> Handler:
    """Return a call of what ``pick`` finds in the tab that is in front by then."""

    def act() -> None:
        pick(tabs.current)()

    return act


def tab_handlers(tabs: TabStack) -> dict[str, Handler]:
    """Return what each action does to the tab in front, or to the tabs, by its id."""
    return {
        **{name: in_front(tabs, pick) for name, pick in _IN_FRONT.items()},
        "new_tab": tabs.new,
        "close_tab": tabs.close_current,
        "reopen_tab": tabs.reopen,
        "next_tab": lambda: tabs.step(1),
        "previous_tab": lambda: tabs.step(-1),
    }
