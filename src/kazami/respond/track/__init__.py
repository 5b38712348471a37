"""The track of an intrusion over hosts and time, as one picture: what is drawn, where it lies, and how it looks."""

from __future__ import annotations

from kazami.respond.track.draw import glyph, legend, svg
from kazami.respond.track.layout import NARROW, WIDE, Track, track

__all__ = ["NARROW", "WIDE", "Track", "glyph", "legend", "svg", "track"]
