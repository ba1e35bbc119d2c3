"""Follow an organization's changes over the loss of controllers; keeps its place in a file, and goes on there.

follow.py ORGANIZATION FILE [COUNT]     ends after COUNT events
"""

import itertools
import pathlib
import sys

from patronus_sdwan import Client, HistoryCompacted


def main() -> None:
    parent, place = f"organizations/{sys.argv[1]}", pathlib.Path(sys.argv[2])
    count = int(sys.argv[3]) if len(sys.argv) > 3 else None
    token = place.read_text() if place.exists() else ""
    with Client() as client:
        try:
            with client.watch(parent, resume_token=token, send_initial=True, bookmarks=True) as events:
                for event in itertools.islice(events, count):
                    print(event.type, event.name, event.revision, flush=True)
                    if event.resume_token:  # none in the midst of a transaction, or of the initial state
                        place.write_text(event.resume_token)
        except HistoryCompacted:
            place.unlink()  # too long away: begin with everything there is
            main()


if __name__ == "__main__":
    main()
