"""The k-th smallest value of many windows at once.

A wavelet matrix (Claude, Navarro, Ordóñez: The wavelet matrix, Information Systems 47, 2015), of which only one level
is held at a time, because all windows descend together: O((values + windows) log values) time, linear memory, and no
dependence on how much the windows overlap.
"""

from __future__ import annotations

import numpy as np

from kazami.detect.sigma.correlation.matches import Ints


def kth_smallest(values: Ints, start: Ints, stop: Ints, k: Ints) -> Ints:
    """The k-th smallest, from 0, of ``values[start:stop]`` for each window; values are not negative, 0 <= k < stop - start."""
    found = np.zeros(len(start), dtype=np.int64)
    for bit in reversed(range(int(values.max(initial=0)).bit_length())):
        ones = (values >> bit) & 1 == 1
        zeros_before = np.concatenate(([0], np.cumsum(~ones)))
        low, high = zeros_before[start], zeros_before[stop]
        zeros = int(zeros_before[-1])
        up = k >= high - low
        k = np.where(up, k - (high - low), k)
        start = np.where(up, zeros + start - low, low)
        stop = np.where(up, zeros + stop - high, high)
        found |= up.astype(np.int64) << bit
        values = np.concatenate((values[~ones], values[ones]))
    return found
