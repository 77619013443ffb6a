"""The engine, written in Rust. Every call releases the interpreter while it works, and Ctrl-C stops it.

An interrupt raises `KeyboardInterrupt`; every other failure raises `LongctxError`.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__version__: str

Progress: TypeAlias = Callable[[str, str, int, int], None]
"""Called as `progress(stage, unit, done, total)` about ten times a second, from the thread that made the call.

`total` is 0 while it is unknown. What it raises stops the call and is raised by it.
"""

class LongctxError(Exception):
    """Something went wrong that the engine foresaw."""

    message: str
    """What is wrong, in one sentence that names the path, commit or line."""
    hint: str | None
    """What to do about it, where that is known."""
    exit_code: int
    """The status of a command that ends with this error: 2 for a request that makes no sense, 1 for a failure."""

def pack(options: str, progress: Progress | None = None) -> str:
    """Packs a repository into a dataset.

    Args:
        options: A JSON object: repository (path), output (path of the dataset, null with dry_run), revision (commit
            to pack, null for the work tree), include and exclude (globs), hidden, max_file_size (bytes),
            redact_secrets, tokenizer ({path: null for the built-in one, name}), bands ([{id, min, max, overlap}], in
            tokens), validation_split (share of files from 0 to 0.9), kinds (of "hierarchical", which must be there,
            "commits" and "qa"), context (of "definitions", "siblings" and "outline"; none shows nothing), order
            ("deps", "path" or "random"), history ({mode, since, max_commits, max_files_per_commit, skip_bots,
            skip_formatting} as `history` takes them, and max_versions of a file), commits_ratio and qa_ratio (tokens
            as a multiple of those of hierarchical sequences, from 0 to 100), seed, cache (the folder for what the
            next run can use, null to keep nothing), threads (null for all), overwrite, dry_run, config (kept in the
            manifest).
        progress: Told how far the work is.

    Returns:
        A JSON object, the summary: repository, commit (or null), output (or null), dry_run, unchanged (the dataset was
        what it would become, and was left as it is; what follows is from its manifest), tokenizer {name,
        vocab_size, backend, sha256, embedded}, files {listed, packed, bytes, tokens}, skipped [{reason,
        description, files, directories, bytes, examples}], redactions [{kind, count, files}], shortened_paths,
        bands [{id, min, max, overlap, train, val}] with {sequences, tokens, learnt_tokens, below_min} each,
        kinds [{kind, band, split, seen, sequences, tokens, learnt_tokens, below_min, difficulty {level:
        sequences}}], repeated (sequences left out because an equal one is there), history (null, or {commits,
        merges, chains (files), versions, held_out (commits), tellings {form: number} and, not told: left_out
        [{reason, commits, versions}], gone, not_packed, older_versions, unreadable {reason: versions},
        shared_with_validation, mixed_sides, too_large [{band, steps, commits}], beyond_ratio, not_told, missing
        {objects, examples}, notes [text]}), qa (null, or {bands {id: {sequences, tokens, questions {type:
        number}}}, dropped {reason: number}, positions {snippets: how often each was an answer}}), split
        {files_train, files_val, clusters (of more than one file), clustered_files, largest_cluster, reasons
        {reason: clusters}}, coverage {bytes_total, bytes_packed}, largest [{path, bytes, tokens}] (the ten
        files with most tokens), directories [{path, files, bytes, tokens}] (the ten with most tokens),
        languages [{name, files, bytes, tokens}], encodings {name: files}, failures [{path, reason}], threads,
        cache (null, or {hits, misses, bytes, problem (or null)}), seconds, stages [{name, seconds, cpu_seconds
        (or null), amount, unit}].

    Raises:
        LongctxError: The options make no sense, the repository or tokenizer cannot be read, nothing is left to pack,
            or the dataset cannot be written. No dataset is left behind, and one that was to be overwritten is kept.
    """

def verify(
    dataset: str, repository: str | None = None, threads: int | None = None, progress: Progress | None = None
) -> str:
    """Checks a dataset against its manifest, and against its repository if that is given.

    Returns:
        A JSON object: dataset, shards, sequences, tokens, segments_compared, defects [{where, what}], seconds.

    Raises:
        LongctxError: The dataset has no manifest that can be read, or the repository cannot be opened.
    """

def history(repository: str, options: str, progress: Progress | None = None) -> str:
    """Reads the versions of a repository's files.

    Args:
        repository: A work tree, a folder of one, or a bare repository.
        options: A JSON object: revision (where the walk begins; HEAD if null or left out), mode ("first-parent": the
            line of first parents, or "full": all branches, or what the revision knows, without merges), since (seconds
            since 1970, or null), max_commits and max_files_per_commit (numbers, or null), skip_bots, skip_formatting,
            chains ("none", "live": of files that are there still, "all", or {"path": a file as seen from
            `repository`, or its full path}).
        progress: Told how far the work is.

    Returns:
        A JSON object: repository, commit (where the walk began), commits and merges (walked), oldest and newest
        (seconds since 1970, or null), files, files_with_versions (more than one), files_gone, versions (of files that
        are there still), contents, most_edited [{path, versions}] (ten), left_out [{reason, description, commits,
        versions, examples}], missing {objects, examples}, notes [text], chains {path: [{commit, path, blob (null where
        it was deleted), subject, time}]}, newest first. Paths are relative to the repository's root.

    Raises:
        LongctxError: There is no such folder or repository, it has no commits, or it knows no such file.
    """

def graph(repository: str, options: str, progress: Progress | None = None) -> str:
    """Finds out which file of a repository needs which.

    Args:
        repository: A folder, a git work tree, or a bare repository.
        options: A JSON object: revision (commit to read, null for the work tree), include and exclude (globs),
            hidden, max_file_size (bytes), tell ("nothing", "graph", "dot", or {"file": a file as seen from
            `repository`, or its full path}).
        progress: Told how far the work is.

    Returns:
        A JSON object: repository, commit (or null), files, sources (of source code), broken (with syntax errors),
        edges, kinds [{kind, edges, firm (always holds)}], hubs [{path, dependents}] (ten), cycles and firm_cycles
        {groups, largest (files), examples (some of the largest)}, unresolved [{reason, imports, examples [{from,
        line, text, reason}]}], skipped [{reason, description, paths}]; and as told, else null: graph {imports {path:
        [path]}, edges [{from, to, kind, line}], unresolved [{from, line, text, reason}]}, dot (text for Graphviz),
        file {path, needs [{path, kind, line}], needed_by [the same], unresolved}. Paths are relative to
        `repository`.

    Raises:
        LongctxError: There is no such folder, revision or file, or a glob is malformed.
    """

def open_manifest(dataset: str, checksums: bool = True) -> str:
    """Checks that every file of a dataset is there, as long as the manifest says and with the header it should have.

    Args:
        dataset: The dataset's folder.
        checksums: Also read every file and compare its BLAKE3 hash.

    Returns:
        The text of manifest.json.

    Raises:
        LongctxError: A file is missing, cut short or altered; the message names it.
    """

class Tokenizer:
    """Turns text into token ids and back. It cannot be changed and may be used from several threads."""

    @staticmethod
    def default() -> Tokenizer:
        """The built-in tokenizer."""

    @staticmethod
    def from_file(path: str) -> Tokenizer:
        """Reads a Hugging Face tokenizer.json.

        Raises:
            LongctxError: The file cannot be read or is not a tokenizer.
        """

    def encode(self, text: str) -> NDArray[np.uint32]:
        """The ids of `text`, one-dimensional. Special tokens are never added, and those spelled in the text stay text.

        Raises:
            LongctxError: The tokenizer has no token for a part of the text.
        """

    def decode(self, ids: Sequence[int] | NDArray[Any]) -> str:
        """The text of `ids`, special tokens spelled out; bytes that are not UTF-8 become U+FFFD.

        Raises:
            LongctxError: An id is not in the vocabulary.
        """

    def token_bytes(self, id: int) -> bytes:
        """The bytes that the token stands for; of a special token, its spelling.

        Raises:
            LongctxError: The id is not in the vocabulary.
        """

    def token_to_id(self, token: str) -> int | None:
        """The id of a token as the vocabulary spells it, or None."""

    def with_markers(self) -> Tokenizer:
        """A tokenizer with the markers (`<|FILE_START|>` and so on) as special tokens; itself where it has them."""

    @property
    def vocab_size(self) -> int:
        """The highest id plus one, special tokens and markers included."""

    @property
    def backend(self) -> str:
        """What does the encoding: the fast byte-level implementation, or Hugging Face's."""

    @property
    def sha256(self) -> str:
        """Hash of the tokenizer.json it was read from, 64 hexadecimal digits."""

    @property
    def name(self) -> str:
        """A name for people: the folder or model it came from."""

def build_file_sequence(
    tokenizer: Tokenizer, files: list[tuple[str, str]], max_length: int
) -> tuple[NDArray[np.uint32], int, str]:
    """Builds one hierarchical sequence; the last of `files` is its target.

    The target is never cut to make room: earlier files are dropped from the front until the rest fits. A target that
    is too long by itself keeps its first `max_length` tokens, counted with its marker and path.

    Args:
        tokenizer: One that has the markers.
        files: Pairs of path and text.
        max_length: Most tokens of the sequence.

    Returns:
        The ids, the position where learning starts, and a JSON object: segments [{path, role, bytes, tokens}] as in
        meta.jsonl, dropped [paths, front to back], truncated_tokens (of the target, at its end).

    Raises:
        LongctxError: No files, the tokenizer has no markers, or `max_length` has no room for the target's path.
    """

def build_commit_chain_sequence(
    tokenizer: Tokenizer, path: str, versions: list[tuple[str, str, str]], max_length: int
) -> tuple[NDArray[np.uint32], int, str]:
    """Builds one sequence of whole versions of a file, oldest first: a state, then what each commit made of it.

    The oldest versions are dropped until the rest fits. Learning starts at the file of the first commit block.

    Args:
        tokenizer: One that has the markers.
        path: The file's path.
        versions: Commit id as it is to be shown, subject, and the file's whole text after it.
        max_length: Most tokens of the sequence.

    Returns:
        As `build_file_sequence`; dropped holds commit ids.

    Raises:
        LongctxError: No versions, or `max_length` has no room for the newest.
    """

def build_qa_sequence(
    tokenizer: Tokenizer, snippets: list[tuple[str, str]], question: str, answer: str | list[int], max_length: int
) -> tuple[NDArray[np.uint32], int, str]:
    """Builds one question about snippets with its answer, which alone is learnt.

    Args:
        tokenizer: One that has the markers.
        snippets: Pairs of path and text, 1 to 16.
        question: The question.
        answer: Text, or the numbers of snippets, counted from 1.
        max_length: Most tokens of the sequence.

    Returns:
        As `build_file_sequence`; nothing is ever dropped.

    Raises:
        LongctxError: No or too many snippets, an empty answer, one that names no snippet, or all of it is too long.
    """
