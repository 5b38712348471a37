"""Who a program says it is against who signed it: forged identity in all its forms (TROJ_FAKEMS, MITRE ATT&CK T1036.001, T1553.002).

A claim without a signature is a soft thing: most system files of Windows are signed in catalogs, which do not come with them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from kazami.detect.content.mail.domain import near, skeleton
from kazami.model.content import Feature

if TYPE_CHECKING:
    from kazami.detect.content.executable.authenticode import Signature


@dataclass(frozen=True, slots=True)
class Vendor:
    """One whose identity is worth stealing; see vendors.yml."""

    name: str
    claims: re.Pattern[str]
    signers: frozenset[str]
    own_roots: bool


_SWAPPED, _DRAWN = 6, 5  # letters of a name from which on a likeness says something
_WINDOWS = re.compile(r"microsoft\W{0,4}windows\W{0,4}operating system", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Claim:
    """What a program says of itself: strings of its version information by name, its file name, whether it came in a container."""

    version: Mapping[str, str]
    name: str
    inside: bool
    by_microsofts_compiler: bool

    @property
    def company(self) -> str:
        """The company, or whose the copyright is where none is named."""
        found = self.version.get("CompanyName", "").strip()
        product = self.version.get("ProductName", "").strip()
        if _WINDOWS.match(visible(product)) and vendor(found) is None:
            return product  # who says that it is a part of Windows says whose it is
        return found or re.sub(r"^[\W\d]*(copyright|\(c\))?[\W\d]*", "", self.version.get("LegalCopyright", ""), flags=re.IGNORECASE)  # fmt: skip


@cache
def vendors() -> tuple[Vendor, ...]:
    """All of vendors.yml."""
    rows = yaml.safe_load(Path(__file__).with_name("vendors.yml").read_text("utf-8"))["vendors"]
    return tuple(
        Vendor(
            name,
            re.compile(rf"(?:{'|'.join(map(re.escape, row['claims']))})\b", re.IGNORECASE),
            frozenset(signer.casefold() for signer in row["signers"]),
            row.get("roots") == "microsoft",
        )
        for name, row in rows.items()
    )


@cache
def system(kind: str) -> frozenset[str]:
    """Names of Windows' own files without extension: ``programs``, ``libraries``, or ``known``."""
    return frozenset(yaml.safe_load(Path(__file__).with_name("system.yml").read_text("utf-8"))[kind])


def visible(text: str) -> str:
    """What is seen of `text`: without characters that take no room, in one width."""
    return "".join(c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf").strip()


def vendor(text: str) -> Vendor | None:
    """Whom `text` names at its beginning."""
    folded = re.sub(r"^the\s+", "", visible(text), flags=re.IGNORECASE)
    return next((one for one in vendors() if one.claims.match(folded)), None)


def features(claim: Claim, signed: Sequence[Signature]) -> Iterator[Feature]:
    """All there is to say of claim and signatures."""
    for signature in signed:
        yield from _signature(signature)
    if not signed:
        yield Feature("pe.unsigned")
    yield from _claim(claim, signed)
    yield from _lookalike(claim, signed)
    yield from _system_name(claim, signed)


def genuine(signature: Signature, of: Vendor) -> bool:
    """Whether a good signature is the vendor's."""
    return signature.good and _named(signature, of) and (signature.chain.microsoft or not of.own_roots)


def _named(signature: Signature, of: Vendor) -> bool:
    return not of.signers.isdisjoint((signature.organization.casefold(), signature.common_name.casefold()))


def _signature(one: Signature) -> Iterator[Feature]:
    way = " < ".join(one.chain.names)
    if not one.of_these_bytes:
        yield Feature("pe.signature_of_other_bytes", f"{one.signer}: {one.algorithm} differs")
    elif not one.holds:
        yield Feature("pe.signature_broken", one.signer)
    if one.good:
        yield Feature("pe.signer", f"{one.signer}; {way}")
    posed = vendor(one.organization) or vendor(one.common_name)
    if one.chain.end != "root":
        yield _unknown(one, posed, f"{one.signer}; {way}")
    elif posed and posed.own_roots and not one.chain.microsoft:
        yield Feature("pe.vendor_under_other_root", f"{one.signer}; {way}")
    if not one.signs_code:
        yield Feature("pe.signature_not_for_code", one.signer)
    if one.stamped and not one.begins <= one.stamped <= one.ends:
        yield Feature("pe.signature_out_of_date", f"{one.stamped:%Y-%m-%d} is not within {one.begins:%Y-%m-%d} to {one.ends:%Y-%m-%d}")  # fmt: skip


def _unknown(one: Signature, posed: Vendor | None, said: str) -> Feature:
    """Of a chain that ends at no known root. Only Microsoft's roots are all known: of others an old one may be missing. Who forges copies
    the name to the letter; what only begins like it may be a test of somebody's own."""
    if posed is None:
        name = {"open": "pe.signer_unproven", "self_signed": "pe.self_signed", "forged": "pe.forged_issuer"}
        return Feature(name[one.chain.end], said)
    own = one.chain.end == "self_signed"
    if _named(one, posed) and (own or (one.chain.end == "forged" and posed.own_roots)):
        return Feature("pe.forged_vendor", said)
    return Feature("pe.vendor_unproven", said, level="" if own or posed.own_roots else "medium")


def _claim(claim: Claim, signed: Sequence[Signature]) -> Iterator[Feature]:
    claimed = vendor(claim.company)
    if claimed is None or any(genuine(one, claimed) for one in signed):
        return
    microsoft, said = claimed.own_roots, claim.company
    if not signed:
        yield Feature("pe.claims_microsoft_unsigned" if microsoft else "pe.claims_vendor_unsigned", said)
        if microsoft and not claim.by_microsofts_compiler:
            yield Feature("pe.claims_microsoft_other_compiler", said)
        return
    signer = signed[0].signer
    if any(one.good for one in signed):
        yield Feature("pe.claims_vendor_signed_by_other", f"{said}; signed by {signer}")
    elif signed[0].chain.end in ("self_signed", "forged"):
        yield Feature("pe.claims_vendor_self_signed", f"{said}; signed by {signer}")
    elif vendor(signer) is not claimed:
        yield Feature("pe.claims_vendor_unproven", f"{said}; signed by {signer}")


def _lookalike(claim: Claim, signed: Sequence[Signature]) -> Iterator[Feature]:
    """Names that are taken for Microsoft's."""
    for text in (claim.company, *(one.signer for one in signed)):
        word = "".join(re.findall(r"\w+", visible(text).casefold())[:1])
        drawn = skeleton(word) == skeleton("microsoft") or near(skeleton(word), skeleton("microsoft"))
        broken = word == "microsoft" and not re.match(r"\W*microsoft", text, re.IGNORECASE)
        if (drawn and word != "microsoft") or broken:
            yield Feature("pe.lookalike_vendor", text)


def _system_name(claim: Claim, signed: Sequence[Signature]) -> Iterator[Feature]:
    stem, _, ending = claim.name.casefold().rpartition(".")
    of_system = (ending in ("exe", "com", "scr") and stem in system("programs")) or (
        ending == "dll" and stem in system("libraries")
    )
    microsofts = vendor(claim.company)
    proven = any(one.good and one.chain.microsoft for one in signed)
    if of_system and not proven:
        if microsofts is None or not microsofts.own_roots:
            yield Feature("pe.system_name_of_other", f"{claim.name}: {claim.company or 'nobody named'}")
        elif claim.inside:
            yield Feature("pe.system_name_unproven", claim.name)
    like = _like_system(stem) if ending in ("exe", "com", "scr") else ""
    if like and not any(one.good for one in signed):
        yield Feature("pe.name_like_system", f"{claim.name}: {like}.exe")
    original = claim.version.get("OriginalFilename", "").strip().casefold().removesuffix(".mui")
    base = original.rpartition(".")[0] or original
    if base in system("programs") and microsofts is not None and microsofts.own_roots and base != stem:
        yield Feature("pe.renamed_system_program", f"{original} as {claim.name}")


def _like_system(stem: str) -> str:
    """The program of Windows that `stem` is read as: drawn the same, padded, or with two letters swapped."""
    if stem in system("programs"):
        return ""
    plain = visible(stem).strip()
    for name in system("programs"):
        swapped = len(name) >= _SWAPPED and sorted(plain) == sorted(name) and near(plain, name)
        if plain == name or swapped or (len(name) >= _DRAWN and skeleton(plain) == skeleton(name)):
            return name
    return ""
