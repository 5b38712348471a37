"""``python -m kazami`` is ``kazami``."""

from __future__ import annotations

from kazami.cli import main

if __name__ == "__main__":
    main()
