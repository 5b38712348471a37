"""Containers: archives, compressed streams, disk images, and documents that hold others. An analyzer a module.

They give what is inside as children, and say what is odd about the container itself. What `kazami.archive` can open, for evidence
and for mail alike, is opened by it.
"""
