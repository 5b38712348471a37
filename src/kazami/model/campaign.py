"""Campaigns: incidents of several tenants, tied by rare things that they share. Only the provider sees them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Token:
    """That an incident was seen with something, without saying with what: `digest` is keyed (`correlate.campaign`)."""

    tenant: str
    incident_uid: str
    kind: str
    digest: str
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Tie:
    """A thing that incidents share. `weight` is in nats: how rare it is among the tenants, times its kind."""

    kind: str
    digest: str
    tenants: tuple[str, ...]
    weight: float


@dataclass(frozen=True, slots=True)
class Campaign:
    """`campaign_uid` is 32 hex digits, of its earliest incident; `incidents` are ids with their tenants, by day."""

    campaign_uid: str
    tenants: tuple[str, ...]
    incidents: tuple[tuple[str, str], ...]
    ties: tuple[Tie, ...]
    score: float
    first: date
    last: date
