"""One Windows event of a case, written as JSON and as XML, as the tools write them."""

from __future__ import annotations

import json
from typing import Any
from xml.sax.saxutils import escape, quoteattr

NAMESPACE = "http://schemas.microsoft.com/win/2004/08/events/event"


def as_json(event: dict[str, Any]) -> str:
    """In the shape of evtx_dump and of the evtx package."""
    system = {
        "Provider": {"#attributes": {"Name": event.get("provider"), "Guid": "{0}"}},
        "EventID": event["id"],
        "Version": 1,
        "Level": 4,
        "TimeCreated": {"#attributes": {"SystemTime": "2024-03-01T10:00:00.123456Z"}},
        "EventRecordID": event.get("record", 17),
        "Correlation": None,
        "Execution": {"#attributes": {"ProcessID": 700, "ThreadID": 2}},
        "Channel": event.get("channel"),
        "Computer": event.get("computer"),
        "Security": {"#attributes": {"UserID": event["user"]}} if "user" in event else None,
    }
    inner: dict[str, Any] = {"#attributes": {"xmlns": NAMESPACE}, "System": system}
    if "data" in event:
        inner["EventData"] = {
            name: {"#text": value} if name == "Data" else value for name, value in event["data"].items()
        } or None
    if "user_data" in event:
        inner["UserData"] = event["user_data"]
    return json.dumps({"Event": inner})


def as_xml(event: dict[str, Any]) -> str:
    """In the shape of wevtutil."""
    user = f" UserID={quoteattr(event['user'])}" if "user" in event else ""
    parts = [
        f"<Event xmlns='{NAMESPACE}'><System>",
        f"<Provider{_attribute('Name', event.get('provider'))} Guid='{{0}}'/>",
        f"<EventID>{event['id']}</EventID><Version>1</Version><Level>4</Level>",
        "<TimeCreated SystemTime='2024-03-01T10:00:00.123456Z'/>",
        f"<EventRecordID>{event.get('record', 17)}</EventRecordID><Correlation/>",
        "<Execution ProcessID='700' ThreadID='2'/>",
        _element("Channel", event.get("channel")),
        _element("Computer", event.get("computer")),
        f"<Security{user}/></System>",
    ]
    if "data" in event:
        parts.append(f"<EventData>{''.join(_data(n, v) for n, v in event['data'].items())}</EventData>")
    if "user_data" in event:
        parts.append(f"<UserData>{_nested(event['user_data'])}</UserData>")
    return "".join(parts) + "</Event>"


def _attribute(name: str, value: str | None) -> str:
    return "" if value is None else f" {name}={quoteattr(value)}"


def _element(name: str, value: str | None) -> str:
    return "" if value is None else f"<{name}>{escape(value)}</{name}>"


def _data(name: str, value: Any) -> str:
    if name == "Data":
        return "".join(f"<Data>{_text(item)}</Data>" for item in value)
    return f"<Data Name={quoteattr(name)}>{_text(value)}</Data>"


def _text(value: Any) -> str:
    text = "true" if value is True else "false" if value is False else str(value)
    return escape(text, {"\r": "&#13;"})


def _nested(fields: dict[str, Any]) -> str:
    return "".join(
        f"<{name}>{_nested(value) if isinstance(value, dict) else _text(value)}</{name}>"
        for name, value in fields.items()
    )
