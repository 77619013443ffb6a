"""Single files of a model on the Hugging Face hub, with its errors in one clear sentence each."""

from __future__ import annotations

from typing import Any

from longctx.errors import UsageError


def hub_file(model: str, name: str, *, what: str, offline: str, missing: str, revision: str | None = None) -> str:
    """Path of a model's file in the local cache, downloaded first if it is not there.

    Args:
        model: The model's id.
        name: The file's path in the model's repository.
        what: What the file is called in messages, such as `the tokenizer`.
        offline: The hint for when the hub cannot be reached.
        missing: The hint for when the model has no such file.
        revision: A commit, or None for the newest one.

    Raises:
        UsageError: There is no such model or file, or the hub cannot be reached.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url, try_to_load_from_cache
    from huggingface_hub.errors import (
        EntryNotFoundError,
        GatedRepoError,
        HFValidationError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
    )

    chosen: dict[str, Any] = {} if revision is None else {"revision": revision}
    try:
        cached = try_to_load_from_cache(model, name, **chosen)
        if isinstance(cached, str):
            return cached
        # Asking first fails at once where the download would try again and again for half a minute.
        get_hf_file_metadata(hf_hub_url(model, name, **chosen))
        return str(hf_hub_download(model, name, **chosen))
    except GatedRepoError:
        raise UsageError(
            f"{what} of {model} is behind a licence on the Hugging Face hub that this account has not accepted",
            f"accept it at https://huggingface.co/{model} and log in with `hf auth login`",
        ) from None
    except (RepositoryNotFoundError, HFValidationError):
        raise UsageError(
            f"{model} is neither a file or folder here nor a model on the Hugging Face hub",
            "check its spelling; a private model needs `hf auth login`",
        ) from None
    except (LocalEntryNotFoundError, OfflineModeIsEnabled):
        raise UsageError(
            f"{what} of {model} is not in the local cache and the Hugging Face hub cannot be reached", offline
        ) from None
    except EntryNotFoundError:
        raise UsageError(f"{model} on the Hugging Face hub has no {name}", missing) from None
    except Exception as error:
        # Connection errors are of the HTTP library that the hub's client happens to use, which has changed twice.
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UsageError(f"{what} of {model} cannot be downloaded: {reason}", offline) from None
