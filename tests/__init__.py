"""A package, so that it is this one that `tests` means: some libraries bring a package of that name along."""
