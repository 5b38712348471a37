"""The table in ``docs/suricata.md``: ``python -m benchmarks.suricata_page [--check]``."""

from __future__ import annotations

import argparse
from pathlib import Path

from kazami.detect.network.suricata.subset import table

PAGE = Path(__file__).parents[1] / "docs" / "suricata.md"
START, END = "<!-- subset: begin -->", "<!-- subset: end -->"


def written(text: str) -> str:
    """The page with the table of today."""
    before, _, rest = text.partition(START)
    return f"{before}{START}\n{table()}\n{END}{rest.partition(END)[2]}"


def main() -> int:
    """Write the page, or with ``--check`` say whether it is up to date: 1 where it is not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    old = PAGE.read_text("utf-8")
    new = written(old)
    if parser.parse_args().check:
        return int(new != old)
    PAGE.write_text(new, "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
