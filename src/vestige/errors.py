"""Every exception the package raises on purpose.

    VestigeError
    +-- ConfigError                 vestige.toml, the environment, a missing extra
    +-- StoreError                  anything about a store
    |   +-- MemoryNotFoundError     no memory has this id
    |   +-- IntentionNotFoundError  no intention has this id
    |   +-- DuplicateMemoryError    the id is taken
    |   +-- ModelMismatchError      vectors of another embedding model
    |   +-- InvalidInputError       a value outside its limits
    |   |   +-- SecretFoundError    a key or token in what is to be stored
    |   +-- ConflictError           a memory is not what a change expects
    |   +-- StoreUnavailableError   the store cannot be reached or opened
    |   +-- PoolTimeoutError        no connection became free in time
    |   +-- MigrationError          the schema is not what this version expects
    |   +-- BackendError            the database reported something unexpected
    |   |   +-- TableBusyError      others use a table all the time
    +-- EmbeddingError              an embedder failed
    +-- TransferError               moving data failed

Each class has a stable `code` for programs and a `hint` that names the next action for people.
Every constructor passes all its fields to `super().__init__`, so errors can be pickled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from vestige.models import ModelSignature, SecretPlace

SECRETS_NAMED: Final = 5  # in a message; one text can hold thousands


class VestigeError(Exception):
    """Base of all errors of this package."""

    code: ClassVar[str] = "error"
    hint: str = "Run the command again with --help to see what it expects."

    def __init__(self, message: str = "", hint: str | None = None) -> None:
        super().__init__(message, hint)
        self.message = message
        if hint is not None:
            self.hint = hint

    def __str__(self) -> str:
        return self.message


class ConfigError(VestigeError):
    """The configuration cannot be used as it is."""

    code = "config"
    hint = "Run `vestige config check`, and correct the file or variable it names."


class StoreError(VestigeError):
    """Something about a store."""

    code = "store"
    hint = "Run `vestige health` to see the state of the store."


class MemoryNotFoundError(StoreError):
    """No memory has this id."""

    code = "memory_not_found"
    hint = "Look the id up with `vestige list` or `vestige recall`."

    def __init__(self, memory_id: UUID) -> None:
        Exception.__init__(self, memory_id)
        self.memory_id = memory_id

    def __str__(self) -> str:
        return f"no memory has the id {self.memory_id}"


class IntentionNotFoundError(StoreError):
    """No intention has this id."""

    code = "intention_not_found"
    hint = "Look the id up with `vestige intention list --all`."

    def __init__(self, intention_id: UUID) -> None:
        Exception.__init__(self, intention_id)
        self.intention_id = intention_id

    def __str__(self) -> str:
        return f"no intention has the id {self.intention_id}"


class DuplicateMemoryError(StoreError):
    """A memory with this id is there already."""

    code = "duplicate_memory"
    hint = "Use `update` to change a stored memory, or give the new one another id."

    def __init__(self, memory_id: UUID) -> None:
        Exception.__init__(self, memory_id)
        self.memory_id = memory_id

    def __str__(self) -> str:
        return f"a memory with the id {self.memory_id} is stored already"


class ModelMismatchError(StoreError):
    """The vectors in this store come from another embedding model."""

    code = "model_mismatch"
    hint = "Run `vestige migrate reembed --model NAME`, or configure the stored model."

    def __init__(self, stored: ModelSignature, given: ModelSignature) -> None:
        Exception.__init__(self, stored, given)
        self.stored = stored
        self.given = given

    def __str__(self) -> str:
        return f"the store holds vectors of {self.stored}, the embedder produces {self.given}"


class InvalidInputError(StoreError):
    """A value is outside its limits; the message names the field and the limit."""

    code = "invalid_input"
    hint = "Correct the value and try again; nothing was changed."

    def __init__(self, field: str, problem: str, hint: str | None = None) -> None:
        Exception.__init__(self, field, problem, hint)
        self.field = field
        self.problem = problem
        if hint is not None:
            self.hint = hint

    def __str__(self) -> str:
        return f"{self.field}: {self.problem}"


class SecretFoundError(InvalidInputError):
    """What is to be stored holds a key, a token or a password; kind and place are named, only."""

    code = "secret_found"
    hint = (
        "Take it out and try again, or set `policy` in the section [secrets] of vestige.toml; "
        "nothing was changed."
    )

    def __init__(self, places: Sequence[SecretPlace]) -> None:
        Exception.__init__(self, places)
        self.places = tuple(places)
        self.field = places[0].field
        shown = [str(place) for place in places[:SECRETS_NAMED]]
        if len(places) > SECRETS_NAMED:
            shown.append(f"{len(places) - SECRETS_NAMED} more")
        self.problem = f"holds what must not be remembered: {', '.join(shown)}"


class ConflictError(StoreError):
    """A memory is not, or not any more, what a change expects; nothing was changed."""

    code = "conflict"
    hint = "See what changed it with `vestige changelog --memory ID`, and undo that first."

    def __init__(self, memory_id: UUID) -> None:
        Exception.__init__(self, memory_id)
        self.memory_id = memory_id

    def __str__(self) -> str:
        return f"the memory {self.memory_id} was changed since"


class StoreUnavailableError(StoreError):
    """The store cannot be reached or opened."""

    code = "store_unavailable"
    hint = "Check that the path or server exists and that you may write to it."


class PoolTimeoutError(StoreError):
    """No connection became free in time."""

    code = "pool_timeout"
    hint = "Raise `max_connections` or `acquire_timeout_seconds` in [storage.postgres]."


class MigrationError(StoreError):
    """The schema of the store is not what this version expects."""

    code = "migration"
    hint = "Run `vestige migrate info` to see which step is affected."


class BackendError(StoreError):
    """The database reported something that has no better name here."""

    code = "backend"
    hint = "Run `vestige health`; if the store is healthy, please report this message."


class TableBusyError(BackendError):
    """A table was locked by others for longer than the statement was willing to wait."""

    code = "table_busy"
    hint = "Try again later; pg_stat_activity shows who uses the table. Nothing was changed."


class EmbeddingError(VestigeError):
    """An embedder failed."""

    code = "embedding"
    hint = "Check the [embeddings] section with `vestige config show`."


class TransferError(VestigeError):
    """Moving data failed."""

    code = "transfer"
    hint = "Run the same command again: what has arrived is not copied twice."
