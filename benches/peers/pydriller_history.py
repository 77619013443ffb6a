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
from pydriller import Repository


def main() -> None:
    """Traverses."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("repository")
    parser.add_argument("--first-parent", action="store_true", help="that line of HEAD; default: all but merges")
    parser.add_argument("--contents", action="store_true", help="read each file before and after the commit")
    arguments = parser.parse_args()
    if arguments.first_parent:
        listing = ["git", "-C", arguments.repository, "rev-list", "--first-parent", "HEAD"]
        line = subprocess.run(listing, check=True, capture_output=True, text=True).stdout.split()
        repository = Repository(arguments.repository, only_commits=line)
    else:
        repository = Repository(arguments.repository, include_refs=True, include_remotes=True, only_no_merge=True)
    seen: Counter[str] = Counter(commits=0, merges=0, versions=0, bytes=0, unreadable=0)
    for commit in repository.traverse_commits():
        seen["commits"] += 1
        seen["merges"] += commit.merge
        try:
            for file in commit.modified_files:
                seen["versions"] += 1
                seen[file.change_type.name.lower()] += 1
                if arguments.contents:
                    for content in (file.content_before, file.content):
                        seen["bytes"] += len(content or b"")
        except (GitCommandError, ValueError):
            # A partial clone lacks a content that the patch or the file needs.
            seen["unreadable"] += 1
    print(json.dumps(seen))


if __name__ == "__main__":
    main()
