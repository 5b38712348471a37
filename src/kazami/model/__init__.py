"""The nouns: Arrow schemas and frozen dataclasses, without any I/O."""
