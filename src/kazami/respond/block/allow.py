"""What is never blocked, and what is only with a warning: asked before a block is planned, and again before it is carried out."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from ipaddress import IPv4Address, ip_network

from kazami.model.address import is_inside
from kazami.model.incident import Text
from kazami.model.tenant import Directory, Places, matches, parsed, within
from kazami.respond.block import known
from kazami.respond.block.indicator import host_of

#: Different names of one address in a tenant's own evidence, from which on it is taken for shared.
MANY_NAMES = 5

_NO_PLACE = Text("leads nowhere on the internet", "インターネット上の宛先ではない")
_INSIDE = Text("lies inside the network", "組織内のアドレスである")
_OWN = Text("is the tenant's own", "テナント自身のものである")
_OURS = Text("belongs to the provider or to somebody it works for", "事業者またはその顧客のものである")
_GATEWAY = Text("is a gateway", "ゲートウェイである")
_RESOLVER = Text("is a name server that is in use", "利用中のDNSサーバーである")
_JUMP = Text("is where the provider works from", "事業者の作業元である")
_TOOL = Text("belongs to the remote management that was agreed on", "合意済みの遠隔管理ツールのものである")
_LISTED = Text("is listed as never to be blocked", "遮断禁止として登録されている")
_EXPECTED = Text("is where the tenant's connections are expected to go", "テナントが利用する既知の宛先である")
_PUBLIC = Text("is a public name server", "公開DNSサーバーである")
_EVERYBODY = Text("everybody's names lie below it", "不特定多数が使う名前の上位である")

_SHARED = Text("is listed as shared", "共有アドレスとして登録されている")
_CONTENT = Text("is a content network's", "コンテンツ配信網のものである")
_NAMED = Text("{count} names lead to it", "{count} 個の名前がこのアドレスを指す")
_OPEN = Text("serves what anybody puts there", "誰でも内容を置けるホストである")
_JA3 = Text("many programs may share it", "多くのプログラムが共有しうる")
_OWNER = Text(
    "its owner lends addresses to many, or to one after the other ({owner})",
    "所有者が多数に、または順に貸し出している（{owner}）",
)


class Allow:
    """Answers for one tenant. `tools` are domains of the remote-management tools that were agreed on."""

    def __init__(self, directory: Directory, tenant: str, tools: tuple[str, ...] = ()) -> None:
        self._directory, self._tenant = directory, directory.tenant(tenant)
        self._expected = tuple(_without_port(one) for one in self._tenant.expected)
        self._tools = Places((), tuple(one.lower().removeprefix("*.") for one in tools))

    def never(self, kind: str, value: str) -> Text | None:
        """Why it is never blocked; None where it may be."""
        place = host_of(value) if kind == "url" else value
        if kind not in ("address", "domain", "url"):
            return None
        if parsed(place) is not None:
            return self._address(place) or self._listed(place)
        name = None if kind == "url" and place in known.LENDERS else _name(place)
        return name or self._domain(place) or self._listed(place)

    def exempt(self, place: str) -> Text | None:
        """Why a conversation with `place` is never cut: only what was listed, for there both ends count."""
        return self._listed(place) or self._worked_from(place)

    def warned(self, kind: str, value: str, names: int = 0, owner: str = "") -> Text | None:
        """Who else could be hit; None where nobody is known."""
        if kind == "ja3":
            return _JA3
        if kind == "address":
            return self._shared(value, names, owner)
        if kind == "domain" and (value in known.OPEN_HOSTS or self._directory.shared.holds(value)):
            return _OPEN if value in known.OPEN_HOSTS else _SHARED
        return None

    def _shared(self, value: str, names: int, owner: str) -> Text | None:
        if self._directory.shared.holds(value):
            return _SHARED
        if known.CONTENT.holds(value):
            return _CONTENT
        if names >= MANY_NAMES:
            return Text(_NAMED.en.format(count=names), _NAMED.ja.format(count=names))
        return Text(_OWNER.en.format(owner=owner), _OWNER.ja.format(owner=owner)) if owner else None

    def _address(self, place: str) -> Text | None:
        found = parsed(place)
        if (
            found is None
            or found.is_multicast
            or found.is_unspecified
            or found.is_loopback
            or found.is_link_local
        ):
            return _NO_PLACE
        if isinstance(found, IPv4Address) and (int(found) >> 28 == 15 or int(found) >> 24 == 0):
            return _NO_PLACE
        if within(place, self._tenant.networks):
            return _OWN
        if is_inside(place):
            return _INSIDE
        if self._directory.tenant_at(place):
            return _OURS  # whose, is not this tenant's business
        return self._worked_from(place)

    def _worked_from(self, place: str) -> Text | None:
        provider = self._directory.provider
        if within(place, (*provider.sources, *provider.two_way)) or matches(place, provider.jump_hosts):
            return _JUMP
        return _OURS if within(place, provider.networks) else None

    def _domain(self, place: str) -> Text | None:
        if self._tenant.has_host(place) or place in self._tenant.domains:
            return _OWN
        if self._directory.tenant_of_host(place) or any(
            place in one.domains for one in self._directory.tenants.values()
        ):
            return _OURS
        if matches(place, self._directory.provider.jump_hosts):
            return _JUMP
        return _TOOL if self._tools.holds(place) else None

    def _listed(self, place: str) -> Text | None:
        for spared in (self._tenant.spared, self._directory.spared):
            for places, why in (
                (spared.gateways, _GATEWAY), (spared.resolvers, _RESOLVER), (spared.never, _LISTED)
            ):  # fmt: skip
                if places.holds(place):
                    return why
        if any(_meant(place, one) for one in self._expected):
            return _EXPECTED
        return _PUBLIC if known.RESOLVERS.holds(place) else None


def _without_port(text: str) -> str:
    """What is expected, whatever the port: a block knows none."""
    found = re.fullmatch(r"\[([^\]]+)\](?::\d+)?|([^:]*):\d+", text.strip().lower())
    return (found[1] or found[2]) if found else text.strip().lower()


def _meant(place: str, expected: str) -> bool:
    if parsed(place) is None:
        return fnmatchcase(place, expected)
    try:
        return within(place, (ip_network(expected),))
    except ValueError:
        return False


def _name(place: str) -> Text | None:
    """Why a name is none to be blocked, by its own form."""
    labels = place.split(".")
    if len(labels) < 2 or labels[-1] in known.PRIVATE:
        return _NO_PLACE
    registry = len(labels) == 2 and len(labels[1]) == 2 and labels[0] in known.REGISTRIES
    return _EVERYBODY if registry or place in known.LENDERS else None
