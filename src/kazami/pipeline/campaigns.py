"""Campaigns of a case: keys, digests of what its incidents were seen with, and what is tied by them."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

import platformdirs

from kazami.correlate import campaign
from kazami.detect.touchpoint.rule import RULES
from kazami.errors import UsageError
from kazami.model.campaign import Campaign, Token
from kazami.model.tenant import Directory, account_name
from kazami.store import incidents
from kazami.store.case import Case

#: Touchpoints that say what tenants share, and nothing of the provider's own hosts.
_SHARED = ("J1", "J4", "J5", "J13")


def default_keys() -> Path:
    """Where the provider's keys lie, where nobody says otherwise; not in the case, which may be handed on."""
    return Path(platformdirs.user_data_dir("kazami")) / "campaign-keys.json"


class Keys:
    """A key an epoch, made when it is first needed, in a file that only its owner reads.

    Who takes an epoch out of the file makes its digests say nothing any more. Raises UsageError where the file cannot be
    read or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._keys: dict[str, str] = {}
        if path.exists():
            try:
                said = json.loads(path.read_text("utf-8"))
                self._keys = {str(int(epoch)): bytes.fromhex(key).hex() for epoch, key in said.items()}
            except (OSError, ValueError, TypeError, AttributeError) as error:
                raise UsageError(f"{path}: holds no keys of campaigns: {error}") from error
            if any(len(key) < 64 for key in self._keys.values()):
                raise UsageError(f"{path}: a key has 64 hex digits")

    def of(self, epoch: int) -> bytes:
        """The key of an epoch."""
        if str(epoch) not in self._keys:
            self._keys[str(epoch)] = secrets.token_hex(32)
            self._save()
        return bytes.fromhex(self._keys[str(epoch)])

    def _save(self) -> None:
        waiting = self.path.with_suffix(".new")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            waiting.unlink(missing_ok=True)
            handle = os.open(waiting, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w") as file:
                json.dump(self._keys, file)
            waiting.replace(self.path)
        except OSError as error:
            raise UsageError(f"{self.path}: cannot be written: {error.strerror}") from error


class Fleeting(Keys):
    """Keys that nobody keeps: digests that are compared once, in one run, and thrown away."""

    def __init__(self) -> None:
        self._keys: dict[str, str] = {}

    def _save(self) -> None:
        """Nothing is written."""


def derived(case: Case, provider: str) -> set[str]:
    """Incidents of the provider that only say what tenants share: made of their evidence, and no witness of their own."""
    shared = {RULES[key].id for key in _SHARED}
    return {uid for uid, found in incidents.rules(case, provider).items() if found <= shared}


def tokens(case: Case, keys: Keys, directory: Directory) -> list[Token]:
    """What open and closed incidents of a case were seen with, as digests; false positives left out, and so is what is `derived`."""
    made = derived(case, directory.provider.tenant or "provider")
    told = {
        uid
        for uid, verdict in incidents.verdicts(case).items()
        if verdict not in ("false positive", "benign", "test") and uid not in made
    }
    accounts = frozenset(
        account_name(name).rpartition("\\")[2] for name in directory.provider.technicians if "*" not in name
    )
    skeletons = (one for one in incidents.skeletons(case) if one.incident_uid in told)
    return list(campaign.tokens(skeletons, keys.of, accounts))


def campaigns(case: Case, keys: Keys, directory: Directory) -> list[Campaign]:
    """The campaigns of a case, the strongest first."""
    return campaign.campaigns(tokens(case, keys, directory))
