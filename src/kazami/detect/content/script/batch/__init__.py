"""Batch files: what their commands come to, without running any."""
