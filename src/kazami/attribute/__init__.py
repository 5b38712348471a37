"""From findings to hypotheses about who it was: an open set, with evidence, confidence and what speaks against it."""
