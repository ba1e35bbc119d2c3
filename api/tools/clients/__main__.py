"""Write what a client derives from the schema, below INTO. Run by api/tools/parts/*, whose environment it reads.

Usage: python -m clients python|ansible|javascript
"""

from __future__ import annotations

import importlib
import os
import pathlib
import sys

from . import schema


def main() -> int:
    loaded = schema.Reader(pathlib.Path(os.environ["SET"]).read_bytes()).read()
    writer = importlib.import_module(f".{sys.argv[1]}", __package__)
    for name, data in writer.generate(loaded).items():
        path = pathlib.Path(os.environ["INTO"]) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
