"""Fuzzing of everything that reads hostile bytes: ``python -m fuzz [TARGET...] [--seconds N] [--seed N]``.

A target is a function of some bytes that raises where a promise is broken. `targets.TARGETS` has one for each registered
source and analyzer (content-NAME), for a whole submission, for finding evidence (containers), and for the loader of rules. Our own mutator needs nothing installed; each target
is of the form that Atheris wants (``atheris.Setup(sys.argv, TARGETS["evtx"])``).
"""
