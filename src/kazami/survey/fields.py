"""Which fields hold what an analyst follows, in the words of Sigma's taxonomy and of Zeek."""

from __future__ import annotations

from collections.abc import Mapping

#: Kind of pivot: the fields that hold it.
PIVOTS: Mapping[str, tuple[str, ...]] = {
    "user": ("user",),
    "address": (
        *("IpAddress", "SourceIp", "DestinationIp", "ClientAddress", "Address", "id.orig_h", "id.resp_h"),
        *("RemoteIP", "sourceIPAddress", "ipAddress", "SourceAddress", "DestAddress", "addr"),
    ),
    "process": ("Image", "ParentImage", "exe"),
    "file": ("TargetFilename", "ImageLoaded", "Filename", "ServiceFileName", "ImagePath"),
    "hash": ("sha256", "SHA256", "sha1", "SHA1", "md5", "MD5", "Imphash"),
    "domain": (
        "QueryName",
        "query",
        "DestinationHostname",
        "server_name",
        "cs-host",
        "host_",
        "c-dns",
        "r-dns",
    ),
}

#: How a value of a kind is made one with its other spellings.
SQL: Mapping[str, str] = {
    "user": "lower({})",
    "address": "replace({}, '::ffff:', '')",
    "hash": "lower({})",
    "domain": "lower(rtrim({}, '.'))",
}

#: Fields that people and programs write commands, scripts, settings and requests into.
TEXTS = frozenset(
    (
        *(
            "CommandLine",
            "ParentCommandLine",
            "ScriptBlockText",
            "Payload",
            "HostApplication",
            "Details",
            "ImagePath",
        ),
        *(
            "ServiceFileName",
            "TaskContent",
            "TaskContentNew",
            "Data",
            "Message",
            "message",
            "uri",
            "cs-uri-query",
        ),
        *("user_agent", "query", "QueryName", "proctitle", "Consumer", "Destination", "CONSUMER", "NewValue"),
        *("Contents", "cookie", "referrer"),
    )
)

#: Fields that tell a remote-management tool, and by which kinds of indicator.
TOOLS: Mapping[str, tuple[str, ...]] = {
    "Image": ("program", "path"),
    "ParentImage": ("program", "path"),
    "ImageLoaded": ("path",),
    "TargetFilename": ("program", "path"),
    "OriginalFileName": ("original",),
    "ServiceName": ("service",),
    "QueryName": ("domain",),
    "query": ("domain",),
    "DestinationHostname": ("domain",),
    "server_name": ("domain",),
    "host_": ("domain",),
    "cs-host": ("domain",),
}
