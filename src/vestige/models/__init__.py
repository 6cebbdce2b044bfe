"""The values that cross layers: frozen, keyword-only, without behaviour of their own.

They hold what they are given. Limits are checked where a value enters a store
(`storage/limits.py`), so that every backend refuses the same things.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vestige.models.access import Group, GroupMembership, User
from vestige.models.changes import (
    AddReview,
    Change,
    ChangeAction,
    ChangelogEntry,
    ChangelogFilter,
    DeleteMemory,
    InsertMemory,
    Operation,
    PutEdge,
    PutIntention,
    PutReview,
    PutScheduling,
    RemoveEdge,
    RemoveIntention,
    RemoveReview,
    ReplaceMemory,
    Tombstone,
)
from vestige.models.domains import Domain, DomainScore
from vestige.models.fsrs_weights import FsrsWeights
from vestige.models.intentions import (
    Intention,
    IntentionFilter,
    IntentionStatus,
    Priority,
    TriggerType,
)
from vestige.models.memories import (
    MemoryCursor,
    MemoryEdge,
    MemoryFilter,
    MemoryOrder,
    MemoryRecord,
    Neighbor,
    Rating,
    ReviewEvent,
    SchedulingState,
    Visibility,
)
from vestige.models.searches import SearchQuery, SearchResult
from vestige.models.secrets import SecretPlace, SecretsPolicy
from vestige.models.stores import (
    EncodedMemory,
    HealthStatus,
    ModelSignature,
    Problem,
    Reembedding,
    RefusedMemory,
    StoreStats,
    UnencodedMemory,
)
from vestige.models.transfer import (
    ImportResult,
    RowFailure,
    RowKey,
    ScheduledMemory,
    TransferPage,
    TransferRow,
    TransferTable,
)
from vestige.models.values import (
    DEFAULT_DECAY,
    DEFAULT_LIMIT,
    DEFAULT_RRF_K,
    LOCAL_USER_ID,
    MAX_LIMIT,
    JsonObject,
    JsonValue,
)

if TYPE_CHECKING:
    from vestige.models.values import Vector as Vector

__all__ = [
    "DEFAULT_DECAY",
    "DEFAULT_LIMIT",
    "DEFAULT_RRF_K",
    "LOCAL_USER_ID",
    "MAX_LIMIT",
    "AddReview",
    "Change",
    "ChangeAction",
    "ChangelogEntry",
    "ChangelogFilter",
    "DeleteMemory",
    "Domain",
    "DomainScore",
    "EncodedMemory",
    "FsrsWeights",
    "Group",
    "GroupMembership",
    "HealthStatus",
    "ImportResult",
    "InsertMemory",
    "Intention",
    "IntentionFilter",
    "IntentionStatus",
    "JsonObject",
    "JsonValue",
    "MemoryCursor",
    "MemoryEdge",
    "MemoryFilter",
    "MemoryOrder",
    "MemoryRecord",
    "ModelSignature",
    "Neighbor",
    "Operation",
    "Priority",
    "Problem",
    "PutEdge",
    "PutIntention",
    "PutReview",
    "PutScheduling",
    "Rating",
    "Reembedding",
    "RefusedMemory",
    "RemoveEdge",
    "RemoveIntention",
    "RemoveReview",
    "ReplaceMemory",
    "ReviewEvent",
    "RowFailure",
    "RowKey",
    "ScheduledMemory",
    "SchedulingState",
    "SearchQuery",
    "SearchResult",
    "SecretPlace",
    "SecretsPolicy",
    "StoreStats",
    "Tombstone",
    "TransferPage",
    "TransferRow",
    "TransferTable",
    "TriggerType",
    "UnencodedMemory",
    "User",
    "Visibility",
]
