"""The one place that says how a model computes: which attention it runs with, in which types, and its loss."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch.nn import functional

from longctx.data.sequences import IGNORED_LABEL
from longctx.model.adapted import compute_lean
from longctx.model.dropout import use_packed_dropout

ATTENTION = "sdpa"
"""The name by which transformers knows the attention of all models: PyTorch's own, which picks a kernel by device."""


def prepare(model: Any, device: torch.device) -> None:
    """Has a `PeftModel` on `device` compute as longctx does; called once, when its adapters are there.

    It then computes in the type of its frozen weights, adapters included, while what is trained and its gradients are
    float32. Autocast would do the same in more steps, and would turn the outputs of normalisations, and with them all
    that is kept for the backward pass, into float32.
    """
    compute_lean(model)
    if device.type == "cpu":
        use_packed_dropout(model)


def summed_loss(
    model: Any,
    input_ids: torch.Tensor,
    labels: torch.Tensor,
    attention_mask: torch.Tensor | None = None,
) -> torch.Tensor:
    """The sum of the cross-entropy, in nats, over the labelled positions of a batch; a float32 scalar.

    Logits are made only where some row of the batch has a label.

    Args:
        model: A causal language model, adapters included or not.
        input_ids: int64, shape [batch, length].
        labels: int64, shape [batch, length]: the ids themselves where they are learnt and -100 elsewhere. The label at
            a position is predicted from what stands before it, so the one at position 0 counts for nothing.
        attention_mask: int64, shape [batch, length], 0 at padding. It is not needed where padding stands last.
    """
    targets = labels[:, 1:]
    learnt = targets != IGNORED_LABEL
    places = learnt.any(dim=0).nonzero().squeeze(1)
    if not places.numel():
        raise ValueError("no position of the batch has a label")
    inputs: dict[str, Any] = {"input_ids": input_ids, "use_cache": False}
    if attention_mask is not None:
        inputs["attention_mask"] = attention_mask
    if _keeps_chosen_logits(model):
        logits = model(**inputs, logits_to_keep=places).logits
    else:
        logits = model(**inputs).logits[:, places]
    return functional.cross_entropy(
        logits.flatten(0, 1).float(), targets[:, places].flatten(), ignore_index=IGNORED_LABEL, reduction="sum"
    )


def _keeps_chosen_logits(model: Any) -> bool:
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    return "logits_to_keep" in inspect.signature(base.forward).parameters
