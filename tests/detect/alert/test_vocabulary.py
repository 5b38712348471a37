"""What titles of alerts say: words of the trade, in any rule set."""

from __future__ import annotations

import pytest

from kazami.detect.alert.vocabulary import tags


@pytest.mark.parametrize(
    ("title", "tactic"),
    [
        ("ET SCAN Possible Nmap User-Agent Observed", "reconnaissance"),
        ("ET INFO Observed DNS Query to .biz TLD", "command-and-control"),
        ("ET MALWARE Cobalt Strike Beacon Observed", "command-and-control"),
        ("sshd: brute force trying to get access to the system", "credential-access"),
        ("Successful sudo to ROOT executed", "privilege-escalation"),
        ("Possible web shell upload", "persistence"),
        ("Data exfiltration over alternative protocol", "exfiltration"),
        ("Suspicious PowerShell command line", "execution"),
    ],
)
def test_a_title_names_a_tactic(title: str, tactic: str) -> None:
    assert f"attack.{tactic}" in tags(title)


@pytest.mark.parametrize("title", ["", "ClamAV database update", "TLS invalid record", "Unscanned", "crater"])
def test_a_title_that_says_nothing_names_none(title: str) -> None:
    assert tags(title) == ()


def test_only_the_beginning_of_a_title_is_looked_at() -> None:
    assert tags("x" * 1_000_000 + " nmap") == ()
