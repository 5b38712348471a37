"""What ``case.duckdb`` holds. A change here that an older program could not read raises `VERSION`."""

from __future__ import annotations

import pyarrow as pa

from kazami.model.event import REJECT
from kazami.model.finding import FINDING
from kazami.model.incident import CHANGE, INCIDENT, LINK, MEMBER, SKELETON

#: Of the tables below; a case with a newer one is refused.
VERSION = 2

MATCH: pa.Schema = pa.schema(
    [
        *(FINDING.field(name).with_nullable(True) for name in ("rule_id", "rule_version")),
        pa.field("event_uid", pa.string()),
        *(
            FINDING.field(name).with_nullable(True)
            for name in (
                "time",
                "tenant",
                "host",
                "user",
                "logon_id",
                "process_uid",
                "parent_uid",
                "table",
                "evidence",
                "record",
            )
        ),
        pa.field("fields", pa.map_(pa.string(), pa.string())),
    ]
)

_TYPES = {
    pa.string(): "VARCHAR",
    pa.int64(): "BIGINT",
    pa.float64(): "DOUBLE",
    pa.timestamp("us", "UTC"): "TIMESTAMPTZ",
    pa.list_(pa.string()): "VARCHAR[]",
    pa.map_(pa.string(), pa.string()): "MAP(VARCHAR, VARCHAR)",
}


def _columns(schema: pa.Schema) -> str:
    return ", ".join(f'"{field.name}" {_TYPES[field.type]}' for field in schema)


_RULE = """id VARCHAR, version VARCHAR, name VARCHAR, title VARCHAR, level VARCHAR, kind VARCHAR, status VARCHAR,
    description VARCHAR, author VARCHAR, "date" VARCHAR, product VARCHAR, category VARCHAR, service VARCHAR,
    tags VARCHAR[], techniques VARCHAR[], tactics VARCHAR[], "references" VARCHAR[], falsepositives VARCHAR[],
    fields VARCHAR[], license VARCHAR, path VARCHAR"""

#: A commit is a number: what was stored together, and is forgotten together where a part was not finished.
TABLES: dict[str, str] = {
    "meta": "key VARCHAR, value VARCHAR",
    "run": """id INTEGER, version VARCHAR, command VARCHAR, ruleset VARCHAR, started TIMESTAMPTZ,
        finished TIMESTAMPTZ, state VARCHAR, loaded INTEGER, notes VARCHAR[], extra VARCHAR""",
    "evidence": """seq INTEGER, uid VARCHAR, name VARCHAR, tenant VARCHAR, format VARCHAR, size BIGINT,
        state VARCHAR, note VARCHAR, PRIMARY KEY (uid, tenant, name)""",
    "part": """evidence VARCHAR, start BIGINT, stop BIGINT, tenant VARCHAR, ruleset VARCHAR, done BOOLEAN,
        "commit" INTEGER""",
    "segment": """id INTEGER, path VARCHAR, "table" VARCHAR, tenant VARCHAR, sources VARCHAR, projected BOOLEAN,
        "rows" BIGINT, first TIMESTAMPTZ, last TIMESTAMPTZ, columns VARCHAR[], bytes BIGINT, kept MAP(VARCHAR, BIGINT), dropped MAP(VARCHAR, BIGINT), prints BLOB,
        "commit" INTEGER""",
    "duplicate": """event_uid VARCHAR, tenant VARCHAR, evidence VARCHAR, record BIGINT, segment INTEGER,
        projected BOOLEAN""",
    "finding": _columns(FINDING),
    "match": _columns(MATCH),
    "reject": f'{_columns(REJECT)}, "commit" INTEGER',
    "rule": f"{_RULE}, current BOOLEAN",
    "rejected_rule": "run INTEGER, path VARCHAR, reason VARCHAR, id VARCHAR, title VARCHAR",
    "blind": "run INTEGER, rule_id VARCHAR, rule_version VARCHAR, reason VARCHAR",
    "incident": _columns(INCIDENT),
    "incident_finding": _columns(MEMBER),
    "incident_link": _columns(LINK),
    "incident_change": f"seq INTEGER, {_columns(CHANGE)}",
    "skeleton": _columns(SKELETON),
}


def statements() -> str:
    """SQL that makes all tables that are not there yet: in a new case, and in one of an older version."""
    made = [f"CREATE TABLE IF NOT EXISTS {name} ({columns});" for name, columns in TABLES.items()]
    return "\n".join(made)
