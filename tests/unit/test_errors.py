from __future__ import annotations

import pickle
import re
from typing import Final
from uuid import UUID

import pytest

from vestige import errors
from vestige.errors import VestigeError
from vestige.models import ModelSignature, SecretPlace

ID: Final = UUID("11111111-1111-1111-1111-111111111111")
STORED: Final = ModelSignature(name="minilm", dimension=384, hash="a" * 64)
GIVEN: Final = ModelSignature(name="nomic", dimension=768, hash="b" * 64)

# One of each class, with all its fields, and what has to stand in its message.
SAMPLES: Final[dict[VestigeError, tuple[str, ...]]] = {
    errors.VestigeError("went wrong"): ("went wrong",),
    errors.ConfigError("unknown key", "Remove it."): ("unknown key",),
    errors.StoreError("went wrong"): ("went wrong",),
    errors.MemoryNotFoundError(ID): (str(ID),),
    errors.IntentionNotFoundError(ID): (str(ID),),
    errors.DuplicateMemoryError(ID): (str(ID),),
    errors.ModelMismatchError(STORED, GIVEN): ("minilm (384", "nomic (768"),
    errors.InvalidInputError("content", "is empty", "Write some."): ("content", "is empty"),
    errors.SecretFoundError([SecretPlace(kind="GitHub token", field="content", line=3)]): (
        "content",
        "GitHub token",
        "line 3",
    ),
    errors.ConflictError(ID): (str(ID),),
    errors.StoreUnavailableError("no such file", "Create it."): ("no such file",),
    errors.PoolTimeoutError("waited 30 s"): ("waited 30 s",),
    errors.MigrationError("step 7 is unknown"): ("step 7 is unknown",),
    errors.BackendError("disk I/O error"): ("disk I/O error",),
    errors.TableBusyError("others use a table"): ("others use a table",),
    errors.EmbeddingError("no model file"): ("no model file",),
    errors.TransferError("3 rows failed"): ("3 rows failed",),
}
CLASSES: Final = [type(error) for error in SAMPLES]


def all_errors(root: type[VestigeError] = VestigeError) -> list[type[VestigeError]]:
    below = [error for child in root.__subclasses__() for error in all_errors(child)]
    return [root, *below]


def own_errors() -> set[type[VestigeError]]:
    return {error for error in all_errors() if error.__module__ == errors.__name__}


def documented_tree() -> set[tuple[str, str]]:
    """Read (class, its parent) from the tree in the module's docstring."""
    found: set[tuple[str, str]] = set()
    above: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"([ |+-]*)(\w+Error)\b", line)
        if match is None:
            continue
        indent, name = len(match[1]), match[2]
        above = [(depth, parent) for depth, parent in above if depth < indent]
        found.add((name, above[-1][1] if above else "Exception"))
        above.append((indent, name))
    return found


def test_there_is_a_sample_of_every_error() -> None:
    assert set(CLASSES) == own_errors()


def test_every_exception_of_the_package_belongs_to_the_one_tree() -> None:
    assert all(error.__module__.startswith("vestige.errors") for error in all_errors())


def test_the_documented_tree_is_the_tree() -> None:
    actual = {(error.__name__, error.__mro__[1].__name__) for error in own_errors()}
    assert documented_tree() == actual


def test_no_two_errors_share_a_code() -> None:
    codes = [error.code for error in CLASSES]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", code) for code in codes)


@pytest.mark.parametrize("error", CLASSES)
def test_an_error_has_a_code_and_a_hint_of_its_own(error: type[VestigeError]) -> None:
    assert "code" in vars(error)
    assert vars(error)["hint"].endswith(".")


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
def test_an_error_names_what_it_is_about(error: VestigeError) -> None:
    assert all(part in str(error) for part in SAMPLES[error])


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
def test_an_error_survives_pickling(error: VestigeError) -> None:
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301  # made in the same line
    assert type(copy) is type(error)
    assert str(copy) == str(error)
    assert (copy.code, copy.hint) == (error.code, error.hint)
    assert vars(copy) == vars(error)


def test_a_hint_that_is_given_replaces_the_one_of_the_class() -> None:
    assert errors.ConfigError("wrong", "Do this.").hint == "Do this."
    assert errors.InvalidInputError("tags", "too many", "Drop some.").hint == "Drop some."
    assert errors.ConfigError("wrong").hint == errors.ConfigError.hint
