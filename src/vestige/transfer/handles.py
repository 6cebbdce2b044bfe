"""Users and groups are who they are by their handle, whatever id another store gave them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

from vestige.models import (
    ChangelogEntry,
    Group,
    GroupMembership,
    Intention,
    ReviewEvent,
    ScheduledMemory,
    TransferTable,
    User,
)
from vestige.storage.changes import INTENTION, MEMORY
from vestige.transfer.copy_plan import Renamed

if TYPE_CHECKING:
    from uuid import UUID

    from vestige.models import JsonObject, JsonValue, TransferRow
    from vestige.storage.protocol import MemoryStore


@dataclass(kw_only=True, slots=True)
class Handles:
    """Which ids of the source stand for which of the destination."""

    users: dict[str, UUID] = field(default_factory=dict)
    groups: dict[str, UUID] = field(default_factory=dict)
    changed: dict[UUID, UUID] = field(default_factory=dict)
    events: dict[int, int] = field(default_factory=dict)
    renamed: list[Renamed] = field(default_factory=list)

    def resolve(self, row: TransferRow) -> TransferRow:
        """Return a row with the ids that its users and groups have at the destination.

        A user or group of the destination with the same handle takes the place of the row's.
        """
        match row:
            case User() | Group():
                return self._resolve_party(row)
            case GroupMembership():
                return replace(
                    row,
                    user_id=self.changed.get(row.user_id, row.user_id),
                    group_id=self.changed.get(row.group_id, row.group_id),
                )
            case ReviewEvent() if row.id in self.events:
                return replace(row, id=self.events[row.id])
            case ScheduledMemory() | Intention() if self.changed:
                return self._resolve_owner(row)
            case ChangelogEntry() if self.changed:
                return replace(
                    row,
                    before=self._resolve_account(row.before),
                    after=self._resolve_account(row.after),
                )
            case _:
                return row

    def _resolve_account(self, account: JsonObject | None) -> JsonObject | None:
        if account is None:
            return None
        changed = {str(old): str(new) for old, new in self.changed.items()}
        resolved = dict(account)
        for name in (MEMORY, INTENTION):
            row = account.get(name)
            if isinstance(row, dict):
                owner = str(row["owner_user_id"])
                resolved[name] = {**row, "owner_user_id": changed.get(owner, owner)}
        memory = resolved.get(MEMORY)
        if isinstance(memory, dict):
            groups = cast("list[object]", memory["shared_with_groups"])
            shared: list[JsonValue] = [changed.get(str(group), str(group)) for group in groups]
            resolved[MEMORY] = {**memory, "shared_with_groups": shared}
        return resolved

    def _resolve_party(self, party: User | Group) -> User | Group:
        is_user = isinstance(party, User)
        known = (self.users if is_user else self.groups).get(party.handle, party.id)
        if known != party.id and party.id not in self.changed:
            self.changed[party.id] = known
            table = TransferTable.USERS if is_user else TransferTable.GROUPS
            self.renamed.append(
                Renamed(
                    table=table,
                    handle=party.handle,
                    source_id=str(party.id),
                    destination_id=str(known),
                )
            )
        return replace(party, id=known)

    def _resolve_owner(self, row: ScheduledMemory | Intention) -> ScheduledMemory | Intention:
        if isinstance(row, Intention):
            owner = self.changed.get(row.owner_user_id, row.owner_user_id)
            return replace(row, owner_user_id=owner)
        record = row.record
        groups = tuple(self.changed.get(group, group) for group in record.shared_with_groups)
        owner = self.changed.get(record.owner_user_id, record.owner_user_id)
        return replace(row, record=replace(record, owner_user_id=owner, shared_with_groups=groups))


async def known_handles(store: MemoryStore) -> Handles:
    """Return the handles that a store has, before rows of another one come."""
    return Handles(
        users={user.handle: user.id for user in await store.list_users()},
        groups={group.handle: group.id for group in await store.list_groups()},
    )
