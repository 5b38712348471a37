"""Captures: packets (`packets`) out of their frames (`frame`) into flows (`flow`, `engine`), and what they say (`application`)."""
