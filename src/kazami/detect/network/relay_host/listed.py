"""An address that a published list names as a relay, at a time at which it was one.

Source: Lumen's lists of KV-botnet, Raptor Train, AVrecon and Cuttlefish say since and until when a node was seen. Outside of that time the address was
somebody else's again: that says little.
"""

from __future__ import annotations

from kazami.intel.relays import Listed

_WEIGHTS = {"inside": 0.6, "": 0.3, "outside": 0.1}
_WORDS = {
    "inside": "inside its time frame",
    "": "which has no time frame",
    "outside": "outside its time frame",
}


def weighed(listed: Listed) -> tuple[float, str]:
    """How much it says, and in words."""
    return _WEIGHTS[listed.when], f"{listed}, {_WORDS[listed.when]}"
