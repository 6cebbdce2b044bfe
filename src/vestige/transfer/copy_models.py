"""Which embedding model the destination of a copy is to have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vestige.embedding.texts import signature_of
from vestige.errors import TransferError

if TYPE_CHECKING:
    from vestige.models import ModelSignature
    from vestige.transfer.copy_plan import CopyPlan


async def choose_model(
    source: ModelSignature | None, destination: ModelSignature | None, plan: CopyPlan
) -> ModelSignature | None:
    """Return the model to bind the destination to; None when there are no vectors to write.

    Args:
        source: the model of the source's vectors.
        destination: the model that the destination has registered.
        plan: what is to become of vectors.

    Raises:
        TransferError: vectors of two models would meet; names both and the ways on.
    """
    if plan.model == "reembed":
        return await _encoding_model(destination, plan)
    if source is None or source == destination:
        return destination
    if destination is not None:
        raise TransferError(
            f"the source has vectors of {source}, the destination of {destination}",
            "Add --reembed to encode the texts anew with the destination's model.",
        )
    if plan.model == "keep":
        return source
    configured = None if plan.embedder is None else await signature_of(plan.embedder)
    if configured == source:
        return source
    raise TransferError(
        f"the source has vectors of {source}, and the configured model is {configured}",
        "Add --reembed to encode the texts anew, or --keep-model to keep the vectors: then name"
        " their model in [embeddings].",
    )


async def _encoding_model(
    destination: ModelSignature | None, plan: CopyPlan
) -> ModelSignature | None:
    if plan.embedder is None:
        raise TransferError("encoding texts anew needs an embedder")
    model = await signature_of(plan.embedder)
    if destination is not None and destination != model:
        raise TransferError(
            f"the destination has vectors of {destination}, the configured model is {model}",
            "Name the destination's model in [embeddings], or leave [embeddings] out.",
        )
    return model
