"""Measured claims. Each is ``python -m benchmarks.NAME [--data DIR]``; the last line is one JSON object."""
