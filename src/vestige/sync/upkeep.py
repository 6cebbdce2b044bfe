"""Looking after what is remembered: consolidating, and finding what a person should decide.

Written by `python tools/sync_engine.py --write` from `src/vestige/engine/upkeep.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vestige.engine.duplicates import DUPLICATE_SIMILARITY
from vestige.engine.upkeep import quietly
from vestige.sync.parts import SyncBase

if TYPE_CHECKING:
    from vestige.engine.fitting import FitResult
    from vestige.engine.near_pairs import Advance
    from vestige.engine.upkeep_results import (
        Consolidation,
        Contradictions,
        Duplicates,
        FoundSecrets,
    )
    from vestige.models import FsrsWeights


class Upkeep(SyncBase):
    """The part of the engine that looks through all memories."""

    def consolidation_plan(self, *, advance: Advance = quietly) -> Consolidation:
        """Return what `consolidate` would do; nothing is written.

        Args:
            advance: is told how many more memories are done, and how many there are.

        Raises:
            ModelMismatchError: the registered model is not the embedder's.
        """
        return self.run(lambda engine: engine.consolidation_plan(advance=advance))

    def consolidate(self, *, advance: Advance = quietly) -> Consolidation:
        """Bring up to date what follows from the memories; never touch a text or delete one.

        Stored retrievability, missing vectors, the numbers of domains, and the links that the
        engine draws. What looks like a duplicate or a contradiction is reported and left.
        Whatever ends it in between, the next run goes on; after a whole run another does nothing.

        Args:
            advance: is told how many more memories are done, and how many there are.

        Raises:
            EmbeddingError: the embedder failed for many texts in a row.
            ModelMismatchError: the registered model is not the embedder's.
        """
        return self.run(lambda engine: engine.consolidate(advance=advance))

    def find_duplicates(
        self,
        *,
        threshold: float = DUPLICATE_SIMILARITY,
        limit: int = 0,
        codebase: str | None = None,
        with_different: bool = False,
        advance: Advance = quietly,
    ) -> Duplicates:
        """Return clusters of current memories that say the same; nothing is written.

        Exact copies are found by their text, near ones by similarity, and only where they differ
        in no number, version, date, name, identifier, negation or opposite.

        Args:
            threshold: cosine from which on two texts are near, 0 to 1.
            limit: how many clusters, at most 1000; 0 means 10.
            codebase: of this codebase only.
            with_different: return the nearest pairs that are similar but different, too.
            advance: is told how many more memories are done, and how many there are.

        Raises:
            InvalidInputError: the threshold, or a limit.
            ModelMismatchError: the registered model is not the embedder's.
        """
        return self.run(
            lambda engine: engine.find_duplicates(
                threshold=threshold,
                limit=limit,
                codebase=codebase,
                with_different=with_different,
                advance=advance,
            )
        )

    def find_contradictions(
        self, *, limit: int = 0, codebase: str | None = None, advance: Advance = quietly
    ) -> Contradictions:
        """Return current memories that cannot both be true, the surest first; nothing is written.

        Args:
            limit: how many, at most 1000; 0 means 10.
            codebase: of this codebase only.
            advance: is told how many more memories are done, and how many there are.

        Raises:
            InvalidInputError: a limit.
            ModelMismatchError: the registered model is not the embedder's.
        """
        return self.run(
            lambda engine: engine.find_contradictions(
                limit=limit, codebase=codebase, advance=advance
            )
        )

    def find_secrets(
        self, *, limit: int = 0, codebase: str | None = None, advance: Advance = quietly
    ) -> FoundSecrets:
        """Return what holds keys or tokens, also hidden memories and the changelog; write nothing.

        `purge` takes away what it names: the memory or intention, and all that is kept of it.

        Args:
            limit: how many, at most 1000; 0 means 10.
            codebase: memories and intentions of this codebase only, without the changelog.
            advance: is told how many more memories are done, and how many there are.

        Raises:
            InvalidInputError: a limit.
        """
        return self.run(
            lambda engine: engine.find_secrets(limit=limit, codebase=codebase, advance=advance)
        )

    def fsrs_weights(self) -> FsrsWeights | None:
        """Return the weights of FSRS-6 that were fitted to this store, None for the default."""
        return self.run(lambda engine: engine.fsrs_weights())

    def fit_fsrs_weights(self, *, apply: bool = False, advance: Advance = quietly) -> FitResult:
        """Fit the weights of FSRS-6 to the reviews, and use them if that is asked for.

        They are written only if they predict the latest reviews better, which they had not seen.
        Then all memories fade by the new curve, and reviews to come are scheduled by it; stability,
        difficulty and due dates stay until then. The fit itself holds up other tasks for seconds.

        Args:
            apply: use the weights if they are better.
            advance: is told how many more reviews and memories are done, and how many there are.

        Raises:
            ConfigError: the extra `vestige[fsrs]` is not installed.
            InvalidInputError: there are too few reviews.
        """
        return self.run(lambda engine: engine.fit_fsrs_weights(apply=apply, advance=advance))

    def reset_fsrs_weights(self, *, advance: Advance = quietly) -> int:
        """Go back to the default weights; return how many stored retrievabilities that changed.

        Args:
            advance: is told how many more memories are done, and how many there are.
        """
        return self.run(lambda engine: engine.reset_fsrs_weights(advance=advance))
