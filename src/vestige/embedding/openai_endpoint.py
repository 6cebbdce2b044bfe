"""An OpenAI-compatible `/v1/embeddings`: one request, its retries, and how it can go wrong.

Importing this module imports httpx2, tenacity and numpy, so it is itself imported late.
"""

from __future__ import annotations

import time
from datetime import timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, cast

import httpx2
import numpy as np
from tenacity import (
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    stop_after_delay,
    wait_exponential,
    wait_random,
)

from vestige.config.urls import MASK, mask_url
from vestige.errors import ConfigError, EmbeddingError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from tenacity import RetryCallState

# A server on the same machine may load its model first, which takes some ten seconds.
CONNECT_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 60.0

MAX_ATTEMPTS: Final = 5
MAX_SECONDS: Final = 150.0  # no further attempt starts after this, whatever the reason
# A server that asks for more than this is not waited for: the caller should know now.
MAX_RETRY_AFTER_SECONDS: Final = 60.0
# Half a second, doubled each time. The random part keeps clients that failed together apart.
BACKOFF: Final = wait_exponential(multiplier=0.5, max=8)
JITTER: Final = wait_random(0, 0.5)

RETRIED_STATUSES: Final = frozenset(
    {
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)
MAX_QUOTED_CHARACTERS: Final = 200

_URL_HINT: Final = (
    "Check `base_url` in [embeddings]: it is the address in front of /embeddings, and usually "
    "ends in /v1."
)
_KEY_HINT: Final = "Set `api_key` in [embeddings], or VESTIGE_EMBEDDINGS_API_KEY."
_MODEL_HINT: Final = (
    "Check `model` and `base_url` in [embeddings]; a local server may have to fetch the model "
    "first."
)
_LATER_HINT: Final = "Try again later; nothing was written."
_ANSWER_HINT: Final = "Check that `base_url` in [embeddings] is an OpenAI-compatible server."


class _TransientError(Exception):
    """A failure that may be over soon.

    Attributes:
        message: what happened, for people.
        hint: the next action.
        retry_after_seconds: how long the server asks to wait, None when it does not.
    """

    def __init__(self, message: str, hint: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(message, hint, retry_after_seconds)
        self.message = message
        self.hint = hint
        self.retry_after_seconds = retry_after_seconds


class EmbeddingsEndpoint:
    """The embeddings of one server; safe to use from several threads.

    Args:
        base_url: the address in front of `/embeddings`; its query is kept.
        api_key: sent as a bearer token, printable ASCII; None for a server without keys.
        answer_seconds: how long the server may be silent.
        sleep: waits between two attempts.

    Raises:
        ConfigError: the address is none.
    """

    def __init__(
        self,
        *,
        base_url: str,
        api_key: str | None = None,
        answer_seconds: float = ANSWER_SECONDS,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._key = api_key
        self._sleep = sleep
        try:
            base = httpx2.URL(base_url)
            self._url = base.copy_with(path=f"{base.path.rstrip('/')}/embeddings")
        except httpx2.InvalidURL as error:
            raise ConfigError(f"embeddings.base_url: {error}", _URL_HINT) from None
        self._client = httpx2.Client(
            headers={} if api_key is None else {"Authorization": f"Bearer {api_key}"},
            timeout=httpx2.Timeout(answer_seconds, connect=CONNECT_SECONDS),
        )
        self.shown_url = mask_url(str(self._url))

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def embed(self, model: str, texts: Sequence[str], dimension: int | None) -> NDArray[np.float64]:
        """Embed one batch of texts, with retries.

        Args:
            model: the model's name there.
            texts: 1 or more, together within the server's limits.
            dimension: asked of the server when given.

        Returns:
            One row per text, in order, of whatever length and scale the server chose.

        Raises:
            EmbeddingError: the server cannot be reached, refuses, or answers with nonsense.
        """
        request: dict[str, object] = {"model": model, "input": list(texts)}
        if dimension is not None:
            request["dimensions"] = dimension
        retrying = Retrying(
            retry=retry_if_exception_type(_TransientError),
            stop=stop_after_attempt(MAX_ATTEMPTS) | stop_after_delay(MAX_SECONDS),
            wait=_seconds_to_wait,
            sleep=self._sleep,
            reraise=True,
        )
        try:
            response = retrying(self._post, request)
        except _TransientError as error:
            attempts = int(retrying.statistics["attempt_number"])
            tried = f" ({attempts} attempts)" if attempts > 1 else ""
            raise EmbeddingError(f"{error.message}{tried}", error.hint) from error
        return self._vectors(response, len(texts))

    def _post(self, request: dict[str, object]) -> httpx2.Response:
        try:
            response = self._client.post(self._url, json=request)
        except httpx2.TimeoutException as error:
            raise _TransientError(
                f"{self.shown_url} did not answer in time",
                "Check that the server is up and not overloaded, then try again.",
            ) from error
        except (httpx2.TransportError, httpx2.DecodingError) as error:
            message = f"{self.shown_url} cannot be reached: {self._quoted(str(error))}"
            hint = f"Start the server. {_URL_HINT}"
            # Where nothing listens, waiting rarely helps, and somebody waits at a terminal.
            if _is_refused(error):
                raise EmbeddingError(message, hint) from error
            raise _TransientError(message, hint) from error
        if not response.is_success:
            self._raise_for(response)
        return response

    def _raise_for(self, response: httpx2.Response) -> None:
        status = response.status_code
        answered = f"{self.shown_url} answered {status} {response.reason_phrase}".rstrip()
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            # Not quoted: such an answer likes to repeat a piece of the key.
            refused = "wants a key" if self._key is None else "refuses the key"
            raise EmbeddingError(f"{answered}: it {refused}", _KEY_HINT)
        message = f"{answered}{self._said(response)}"
        if status in RETRIED_STATUSES:
            asked = _retry_after_seconds(response)
            if asked is not None and asked > MAX_RETRY_AFTER_SECONDS:
                raise EmbeddingError(f"{message}; it asks to wait {asked:.0f} s", _LATER_HINT)
            raise _TransientError(message, _LATER_HINT, asked)
        if status == HTTPStatus.NOT_FOUND:
            raise EmbeddingError(message, _MODEL_HINT)
        if response.is_redirect:  # following it would hand the key to another server
            raise EmbeddingError(message, _URL_HINT)
        raise EmbeddingError(message, "Check the [embeddings] section: the server refuses it.")

    def _said(self, response: httpx2.Response) -> str:
        """Return what the server gives as its reason, empty when that is not to be found."""
        try:
            body: object = response.json()
        except (ValueError, RecursionError):
            return ""
        for name in ("error", "message", "detail"):
            inner = _member(body, name)
            text = inner if isinstance(inner, str) else _member(inner, "message")
            if isinstance(text, str) and text.strip():
                return f": {self._quoted(text)}"
        return ""

    def _quoted(self, text: str) -> str:
        """Make somebody else's text fit for a message: one line, not long, without the key."""
        if self._key is not None:
            text = text.replace(self._key, MASK)
        line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        return line if len(line) <= MAX_QUOTED_CHARACTERS else f"{line[:MAX_QUOTED_CHARACTERS]}..."

    def _vectors(self, response: httpx2.Response, count: int) -> NDArray[np.float64]:
        try:
            body: object = response.json()
        except (ValueError, RecursionError) as error:
            kind = self._quoted(response.headers.get("content-type", "something"))
            raise EmbeddingError(
                f"{self.shown_url} answered with {kind}, which is not JSON", _URL_HINT
            ) from error
        data = _member(body, "data")
        if not isinstance(data, list):
            raise EmbeddingError(
                f"{self.shown_url} answered without `data`{self._said(response)}", _ANSWER_HINT
            )
        items = cast("list[object]", data)
        if len(items) != count:
            raise EmbeddingError(
                f"{self.shown_url} answered with {len(items)} vectors for {count} texts",
                _ANSWER_HINT,
            )
        given = [_member(item, "index", default=place) for place, item in enumerate(items)]
        positions = [position for position in given if isinstance(position, int)]
        if set(positions) != set(range(count)):
            raise EmbeddingError(
                f"{self.shown_url} answered with vectors whose `index` is not 0 to {count - 1}",
                _ANSWER_HINT,
            )
        vectors = dict(zip(positions, items, strict=True))
        return self._matrix([_member(vectors[place], "embedding") for place in range(count)])

    def _matrix(self, rows: list[object]) -> NDArray[np.float64]:
        try:
            matrix = np.asarray(rows, dtype=np.float64)
        except (ValueError, TypeError, OverflowError) as error:
            raise EmbeddingError(
                f"{self.shown_url} answered with vectors that are not lists of numbers of one "
                "length",
                _ANSWER_HINT,
            ) from error
        if matrix.ndim != 2 or not matrix.shape[1]:  # noqa: PLR2004  # a list of lists
            raise EmbeddingError(f"{self.shown_url} answered without vectors", _ANSWER_HINT)
        return matrix


def _seconds_to_wait(state: RetryCallState) -> float:
    error = None if state.outcome is None else state.outcome.exception()
    asked = error.retry_after_seconds if isinstance(error, _TransientError) else None
    return JITTER(state) + (BACKOFF(state) if asked is None else asked)


def _retry_after_seconds(response: httpx2.Response) -> float | None:
    """Read the header Retry-After: seconds, or a date, compared with the answer's own date."""
    value = response.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        until = parsedate_to_datetime(value)
        wait = until - parsedate_to_datetime(response.headers.get("date", ""))
    except (ValueError, TypeError):  # no date, or one with a zone and one without
        return None
    return max(wait / timedelta(seconds=1), 0.0)


def _is_refused(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ConnectionRefusedError):
        cause = cause.__cause__ or cause.__context__
    return cause is not None


def _member(value: object, name: str, *, default: object = None) -> object:
    if not isinstance(value, dict):
        return default
    return cast("dict[str, object]", value).get(name, default)
