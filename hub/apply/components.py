"""Components in a run of apply: each is whole, its revision decides, and what changed is noted.

That only the platform that keeps a component writes it is checked at intake. Called by ``hub.apply.run``.
"""

from exchange_db import components
from exchange_db.components import ComponentRow, changed_fields, pack_change, row_of
from exchange_db.records import Component
from exchange_db.session import HotSession


class ComponentRun:
    """What the components of a run come to.

    Args:
        known: the components concerned, as they were before the run, by component_key.
    """

    def __init__(self, known: dict[bytes, ComponentRow]) -> None:
        self._known = known
        #: Touched components as they are after the run; those that were not known before it.
        self._touched: dict[bytes, ComponentRow] = {}
        self._new: set[bytes] = set()
        self._changes: list[bytes] = []

    def take(self, component: Component, component_key: bytes, inbox_id: int) -> set[int] | None:
        """Takes one record.

        Returns:
            The regions it concerns, the one it was taken out of included; ``None`` if it is not newer than what is
            there.
        """
        before = self._touched.get(component_key) or self._known.get(component_key)
        if before is not None and component.revision <= before.revision:
            return None
        after = row_of(component, component_key, inbox_id)
        self._touched[component_key] = after
        if component_key not in self._known:
            self._new.add(component_key)
        self._changes.append(pack_change(after, changed_fields(before, after) if before else ""))
        return {after.region, before.region} if before else {after.region}

    async def write(self, session: HotSession) -> None:
        """Writes what was taken; no statement when nothing was."""
        if not self._touched:
            return
        new = [row for key, row in self._touched.items() if key in self._new]
        changed = [row for key, row in self._touched.items() if key not in self._new]
        await components.save(session, new, changed, self._changes)


async def begin(session: HotSession, keys: set[tuple[int, bytes]]) -> ComponentRun:
    """Loads the components a run names by (home_region, component_key), once; no statement when there are none."""
    return ComponentRun(await components.load(session, list(keys)) if keys else {})
