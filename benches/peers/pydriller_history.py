"""What people write with PyDriller to get at the versions of files: traverse commits, look at their modified files.

    python pydriller_history.py REPO [--first-parent] [--contents]

The peer of `longctx history` in `history_graph_speed.py`. PyDriller computes the patch of every commit whether or not
it is asked for, and gives no modified files for merges. It prints what it saw as JSON.
"""

import argparse
import json
import subprocess
from collections import Counter

from git import GitCommandError
from pydriller import ModifiedFile, Repository


def length(file: ModifiedFile, which: str, seen: Counter[str]) -> int:
    """Reads a content of a file and returns how many bytes it has."""
    try:
        return len(getattr(file, which) or b"")
    except ValueError:
        # A submodule has none, nor has a file that a partial clone lacks.
        seen["unreadable_contents"] += 1
        return 0


def main() -> None:
    """Traverses."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("repository")
    parser.add_argument("--first-parent", action="store_true", help="that line of HEAD; default: all but merges")
    parser.add_argument("--contents", action="store_true", help="read each file before and after the commit")
    arguments = parser.parse_args()
    which = ["--first-parent", "HEAD"] if arguments.first_parent else ["--no-merges", "--branches", "--remotes", "HEAD"]
    listing = ["git", "-C", arguments.repository, "rev-list", *which]
    commits = subprocess.run(listing, check=True, capture_output=True, text=True).stdout.split()
    repository = Repository(arguments.repository, only_commits=commits, include_refs=True)
    seen: Counter[str] = Counter(commits=0, merges=0, versions=0, bytes=0, unreadable_commits=0, unreadable_contents=0)
    for commit in repository.traverse_commits():
        seen["commits"] += 1
        seen["merges"] += commit.merge
        try:
            files = commit.modified_files
        except (GitCommandError, ValueError):
            # A partial clone lacks a content that the patch needs.
            seen["unreadable_commits"] += 1
            continue
        for file in files:
            seen["versions"] += 1
            seen[file.change_type.name.lower()] += 1
            if arguments.contents:
                seen["bytes"] += length(file, "content_before", seen) + length(file, "content", seen)
    print(json.dumps(seen))


if __name__ == "__main__":
    main()
