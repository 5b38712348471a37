"""What is never blocked, and what is only with a warning: asked before a block is planned, and again before it is carried out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from ipaddress import IPv4Address, IPv6Address, ip_network

from kazami.model.address import PLATFORM, is_inside
from kazami.model.incident import Text
from kazami.model.tenant import Directory, Places, matches, parsed, within
from kazami.respond.block import known
from kazami.respond.block.indicator import host_of, is_whole

#: Different names of one address in a tenant's own evidence, from which on it is taken for shared.
MANY_NAMES = 5

_NAT64 = ip_network("64:ff9b::/96")

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
_SERVICE = Text(
    "runs mail, logons, updates or the like for everybody",
    "メール、ログオン、更新などで誰もが利用するサービスである",
)
_ABOVE = Text("what is never blocked lies below it", "遮断禁止の名前がその下位にある")
_EVERYBODY = Text("everybody's names lie below it", "不特定多数が使う名前の上位である")

_SHARED = Text("is listed as shared", "共有アドレスとして登録されている")
_CONTENT = Text("is a content network's", "コンテンツ配信網のものである")
_CLOUD = Text(
    "is of a cloud that everybody's mail and documents are in",
    "誰もがメールや文書に利用するクラウドのものである",
)
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
        self._names = tuple(_spared_names(directory, self._expected)) + self._tools.names

    def never(self, kind: str, value: str) -> Text | None:
        """Why it is never blocked; None where it may be."""
        if kind not in ("address", "domain", "url"):
            return None
        place = host_of(value) if kind == "url" else value
        if parsed(place) is not None:
            said = (self._address(one) or self._listed(one) for one in _carried(place))
            return next((why for why in said if why), None)
        whole = kind == "domain" or is_whole(value)  # else what is below a name, or beside it, is not hit
        name = _name(place) if whole or place not in known.LENDERS else None
        above = _ABOVE if whole and any(one.endswith(f".{place}") for one in self._names) else None
        return name or self._domain(place) or self._listed(place) or above

    def exempt(self, place: str) -> Text | None:
        """Why a conversation with `place` is never cut: only what was listed, for there both ends count."""
        return self._listed(place) or self._worked_from(place)

    def warned(self, kind: str, value: str, names: int = 0, owner: str = "") -> Text | None:
        """Who else could be hit; None where nobody is known."""
        if kind == "ja3":
            return _JA3
        if kind == "address":
            return self._shared(value, names, owner)
        if kind not in ("domain", "url") or (kind == "url" and not is_whole(value)):
            return None
        place = host_of(value) if kind == "url" else value
        if parsed(place) is not None:
            return self._shared(place, names, owner)
        if place in known.OPEN_HOSTS or place.endswith(".sharepoint.com"):
            return _OPEN
        return _SHARED if self._directory.shared.holds(place) else None

    def _shared(self, value: str, names: int, owner: str) -> Text | None:
        if self._directory.shared.holds(value):
            return _SHARED
        for places, why in ((known.CONTENT, _CONTENT), (known.CLOUD, _CLOUD)):
            if any(map(places.holds, _carried(value))):
                return why
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
            or place == PLATFORM
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
        if known.RESOLVERS.holds(place):
            return _PUBLIC
        return _SERVICE if known.SERVICES.holds(place) and place not in known.OPEN_HOSTS else None


def _spared_names(directory: Directory, expected: Sequence[str]) -> Iterator[str]:
    """All names that are spared, whoever's they are, in lower case."""
    tenants = directory.tenants.values()
    yield from directory.provider.jump_hosts
    for one in tenants:
        yield from map(str.lower, (*one.domains, *one.hosts))
    for spared in (directory.spared, *(one.spared for one in tenants)):
        yield from (*spared.gateways.names, *spared.resolvers.names, *spared.never.names)
    yield from (*expected, *known.RESOLVERS.names, *known.SERVICES.names, *known.OPEN_HOSTS)


def _carried(place: str) -> list[str]:
    """An address, and the IPv4 address that it stands for: NAT64 (RFC 6052), 6to4 (RFC 3056), Teredo (RFC 4380)."""
    found = parsed(place)
    if not isinstance(found, IPv6Address):
        return [place]
    within_it = found.sixtofour or (found.teredo[1] if found.teredo else None)
    if found in _NAT64:
        within_it = IPv4Address(int(found) & 0xFFFFFFFF)
    return [place, str(within_it)] if within_it else [place]


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
