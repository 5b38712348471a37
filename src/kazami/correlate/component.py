"""What hangs together: connected components by numpy, without a graph in memory."""

from __future__ import annotations

import numpy as np

from kazami.correlate.entity import Ints


def components(size: int, source: Ints, target: Ints) -> Ints:
    """For each of `size` nodes the smallest node that it hangs together with, along edges from `source` to `target`.

    Labels sink along edges and then along themselves, which takes some log `size` rounds (Shiloach and Vishkin, 1982).
    """
    label = np.arange(size)
    while len(source):
        low = np.minimum(label[source], label[target])
        high = np.maximum(label[source], label[target])
        if np.array_equal(low, high):
            break
        np.minimum.at(label, high, low)
        while True:
            next_label = label[label]
            if np.array_equal(next_label, label):
                break
            label = next_label
        open_edges = label[source] != label[target]
        source, target = source[open_edges], target[open_edges]
    return label
