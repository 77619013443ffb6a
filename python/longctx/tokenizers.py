"""Finds the tokenizer.json that `--tokenizer` or `pack.tokenizer` names: a file, a folder, or a model on the hub."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from longctx.errors import UsageError

EMBEDDED = "default"
_FILE = "tokenizer.json"
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")


@dataclass(frozen=True)
class TokenizerSource:
    """Where a tokenizer is read from, and what to call it."""

    path: str | None
    """A tokenizer.json, or None for the built-in tokenizer."""
    name: str


def find_tokenizer(spec: str | None) -> TokenizerSource:
    """The tokenizer that `spec` names; never another one in its place.

    Args:
        spec: None or "default" for the built-in tokenizer; a tokenizer.json; a folder that holds one; or the id of a
            model on the Hugging Face hub, taken from the local cache where it is there and downloaded otherwise.

    Raises:
        UsageError: There is no such file, folder or model, or the hub cannot be reached.
    """
    if spec is None or spec == EMBEDDED:
        return TokenizerSource(None, EMBEDDED)
    path = Path(spec).expanduser()
    if path.is_file():
        return TokenizerSource(str(path), path.resolve().parent.name if path.name == _FILE else path.stem)
    if path.is_dir():
        if not (path / _FILE).is_file():
            raise UsageError(f"the tokenizer folder {path} holds no {_FILE}")
        return TokenizerSource(str(path / _FILE), path.resolve().name)
    if not _HUB_ID.fullmatch(spec) or spec.endswith(".json"):
        raise UsageError(
            f"there is no tokenizer at {spec}",
            f"give a {_FILE}, a folder holding one, or a model of the Hugging Face hub such as bigcode/starcoder2-3b",
        )
    return TokenizerSource(_from_hub(spec), spec)


def _from_hub(model: str) -> str:
    """Path of the model's tokenizer.json in the local cache, downloaded first if it is not there."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url, try_to_load_from_cache
    from huggingface_hub.errors import (
        EntryNotFoundError,
        GatedRepoError,
        HFValidationError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
    )

    offline = "without a network, give the path of a tokenizer.json instead"
    try:
        cached = try_to_load_from_cache(model, _FILE)
        if isinstance(cached, str):
            return cached
        # Asking first fails at once where the download would try again and again for half a minute.
        get_hf_file_metadata(hf_hub_url(model, _FILE))
        return hf_hub_download(model, _FILE)
    except GatedRepoError:
        raise UsageError(
            f"the tokenizer of {model} is behind a licence on the Hugging Face hub that this account has not accepted",
            f"accept it at https://huggingface.co/{model} and log in with `hf auth login`",
        ) from None
    except (RepositoryNotFoundError, HFValidationError):
        raise UsageError(
            f"{model} is neither a file or folder here nor a model on the Hugging Face hub",
            "check its spelling; a private model needs `hf auth login`",
        ) from None
    except (LocalEntryNotFoundError, OfflineModeIsEnabled):
        raise UsageError(
            f"the tokenizer of {model} is not in the local cache and the Hugging Face hub cannot be reached", offline
        ) from None
    except EntryNotFoundError:
        raise UsageError(
            f"{model} on the Hugging Face hub has no {_FILE}", "only models with a fast tokenizer can be used"
        ) from None
    except Exception as error:
        # Connection errors are of the HTTP library that the hub's client happens to use, which has changed twice.
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UsageError(f"the tokenizer of {model} cannot be downloaded: {reason}", offline) from None
