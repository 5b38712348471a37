"""A folder as it lies there, a mounted disk or a collection: every entry with its hash, rights and target, and what its settings say."""
