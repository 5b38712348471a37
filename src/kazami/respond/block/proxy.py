"""Blocks for proxies: lines for Squid, and a proxy auto-config (PAC) that leads what is blocked nowhere."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import datetime
from functools import partial

from kazami.model.block import Block
from kazami.respond.block import file
from kazami.respond.block.indicator import below

_PAC = """function FindProxyForURL(url, host) {
  host = host.toLowerCase().replace(/\\.$/, "");
  for (var i = 0; i < kazamiUrls.length; i++)
    if (url.indexOf(kazamiUrls[i]) === 0) return "PROXY 127.0.0.1:9";
  if (kazamiHosts.indexOf(host) >= 0) return "PROXY 127.0.0.1:9";
  for (var at = host; at; at = at.indexOf(".") < 0 ? "" : at.substring(at.indexOf(".") + 1))
    if (kazamiNames.indexOf(at) >= 0) return "PROXY 127.0.0.1:9";
  return "DIRECT";
}
"""


def takes(block: Block) -> bool:
    """Addresses, names and URLs. What lies behind https, only the host is seen of."""
    return block.kind in ("address", "domain", "url")


def plan(tenant: str, blocks: Sequence[Block], now: datetime) -> dict[str, str]:
    """Two files: ``.squid.conf`` (to be included before other rules) and ``.pac``."""
    stem, name = f"kazami-block-{file.slug(tenant)}", f"kazami_{file.mark(tenant)}"
    kinds = {
        kind: sorted(one.value for one in blocks if one.kind == kind) for kind in ("address", "domain", "url")
    }
    squid = [file.heading(tenant)]
    lists = {
        "dst": kinds["address"],
        "dstdomain": [f".{value}" for value in kinds["domain"] if not any(below(value, kinds["domain"]))],
        "url_regex": [f"^{re.escape(value)}".replace(" ", r"\ ") for value in kinds["url"]],
    }
    for kind, values in lists.items():
        squid += [f"acl {name}_{kind} {kind} {value}" for value in values]
        squid += [f"http_access deny {name}_{kind}"] if values else []
    pac = [file.heading(tenant, "//")]
    for variable, values in zip(("Hosts", "Names", "Urls"), kinds.values(), strict=True):
        pac.append(f"var kazami{variable} = {json.dumps(values)};")
    return {f"{stem}.squid.conf": "\n".join(squid) + "\n", f"{stem}.pac": "\n".join(pac) + "\n" + _PAC}


apply = undo = partial(file.put, plan)
