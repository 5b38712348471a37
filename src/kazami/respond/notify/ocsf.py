"""A notice as an OCSF 1.7 Incident Finding (class 2005)."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from kazami import __version__
from kazami.model.finding import level_rank
from kazami.model.notice import Notice
from kazami.respond.text import safe


def incident(notice: Notice) -> str:
    """JSON of one object; times in milliseconds since 1970, severity 1 (informational) to 5 (critical)."""
    made: dict[str, Any] = {
        "activity_id": 1,
        "activity_name": "Create",
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": 2005,
        "class_name": "Incident Finding",
        "type_uid": 200501,
        "time": _time(notice.last) or 0,
        "severity_id": level_rank(notice.severity) + 1,
        "status_id": 1,
        "is_suspected_breach": notice.condition == "affected",
        "message": safe(notice.title),
        "desc": "\n".join(map(safe, notice.summary)),
        "metadata": {
            "version": "1.7.0",
            "uid": notice.notice_uid,
            "tenant_uid": notice.tenant,
            "labels": [f"TLP:{notice.tlp}"],
            "product": {"name": "Kazami", "vendor_name": "Kazami", "version": __version__},
        },
        "finding_info_list": [{"uid": uid, "title": safe(title)} for uid, title in notice.incidents],
        "attacks": [{"version": "18.1", "technique": {"uid": one}} for one in notice.techniques],
    }
    span = {"start_time": _time(notice.first), "end_time": _time(notice.last)}
    made |= {name: value for name, value in span.items() if value is not None}
    return json.dumps(made, ensure_ascii=False, indent=1)


def _time(time: datetime | None) -> int | None:
    return round(time.timestamp() * 1000) if time else None
