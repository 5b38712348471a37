"""What a case is asked for: who spoke with whom, what ends say of themselves, who logged on from where."""

from __future__ import annotations

from kazami.detect.network.relay_host.face import PATTERN
from kazami.model.question import Question

_ENDS = {"source": ("id.orig_h",), "target": ("id.resp_h",), "connection": ("uid",)}
_SIZE = 65_536

#: What an end says of itself comes before the flows: it is held until the flow that carried it comes.
QUESTIONS: tuple[Question, ...] = (
    Question("http", {**_ENDS, "agent": ("user_agent",)}, like=("agent", "windows nt"), size=_SIZE),
    Question("http", {**_ENDS, "face": ("server",)}, like=("face", PATTERN), size=_SIZE),
    Question("http", {**_ENDS, "face": ("www_authenticate",)}, like=("face", PATTERN), size=_SIZE),
    Question("tls", {**_ENDS, "face": ("subject",)}, like=("face", PATTERN), size=_SIZE),
    Question("tls", {**_ENDS, "face": ("issuer",)}, like=("face", PATTERN), size=_SIZE),
    Question("ssh", {**_ENDS, "face": ("server",)}, like=("face", PATTERN), size=_SIZE),
    Question("ssh", {**_ENDS, "agent": ("client",)}, like=("agent", "putty|windows|winscp"), size=_SIZE),
    Question("rdp", {**_ENDS, "agent": ("client_build",)}, like=("agent", "^rdp"), size=_SIZE),
    Question(
        "flow",
        {
            **_ENDS,
            "service": ("service",),
            "syn": ("orig_syn",),
            "near": ("orig_rtt",),
            "far": ("orig_answer",),
        },
        like=("syn", "."),
        numbers=frozenset(("near", "far")),
        size=_SIZE,
    ),
    Question(
        "security",
        {
            "name": ("TargetUserName",),
            "domain": ("TargetDomainName",),
            "subject": ("SubjectUserName",),
            "subject_domain": ("SubjectDomainName",),
            "source": ("IpAddress",),
            "kind": ("LogonType",),
        },
        ("4624", "4672"),
        size=_SIZE,
    ),
    Question(
        "signinlogs",
        {"source": ("ipAddress", "IPAddress", "callerIpAddress", "CallerIPAddress", "properties.ipAddress"),
         "result": ("ResultType", "resultType", "status.errorCode", "properties.status.errorCode")},
        size=_SIZE,
    ),
    Question("vpn", {"source": ("SourceIp",), "action": ("Action",)}, like=("action", "accepted"), size=_SIZE),
)  # fmt: skip

#: All flows: asked for only where a list is there to hold them against.
LISTED = Question("flow", {"source": ("id.orig_h",), "target": ("id.resp_h",)}, size=_SIZE)
