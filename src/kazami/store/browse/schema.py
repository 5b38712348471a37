"""Tables of the file that readers browse. Whatever changes here changes `VERSION`: the file is then made anew."""

from __future__ import annotations

VERSION = 3

#: Dimensions that findings are counted by; a facet each.
DIMENSIONS: tuple[str, ...] = ("level", "rule", "host", "user", "technique", "source", "day")

#: Kinds of names that are kept once and referred to by number.
NAMES: tuple[str, ...] = ("tenant", "host", "user", "source", "evidence")

TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE name (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, value TEXT NOT NULL,
    plain TEXT);
CREATE TABLE rule (id INTEGER PRIMARY KEY, uid TEXT, version TEXT, title TEXT, rank INTEGER, kind TEXT, status TEXT,
    current INTEGER, logsource TEXT, path TEXT, words TEXT);
CREATE TABLE said (id INTEGER PRIMARY KEY, matched TEXT NOT NULL);
CREATE VIRTUAL TABLE said_text USING fts5(words, content = '', tokenize = "unicode61 remove_diacritics 0");
CREATE TABLE finding (id INTEGER PRIMARY KEY, uid TEXT NOT NULL, rule INTEGER NOT NULL, rank INTEGER NOT NULL,
    time INTEGER, tenant INTEGER NOT NULL, host INTEGER, user INTEGER, source INTEGER NOT NULL, evidence INTEGER,
    record INTEGER, said INTEGER NOT NULL, events TEXT NOT NULL, incident INTEGER, step INTEGER, suppressed TEXT);
CREATE TABLE incident (id INTEGER PRIMARY KEY, uid TEXT NOT NULL, tenant INTEGER NOT NULL, title TEXT, title_ja TEXT,
    state TEXT, verdict TEXT, owner TEXT, rank INTEGER, score REAL, first INTEGER, last INTEGER, findings INTEGER,
    rules INTEGER, hosts TEXT, accounts TEXT, tactics TEXT, techniques TEXT, story TEXT);
CREATE TABLE link (incident INTEGER, kind TEXT, entity TEXT, weight REAL, source TEXT, target TEXT, count INTEGER,
    words TEXT, words_ja TEXT);
CREATE TABLE entity (tenant INTEGER NOT NULL, kind TEXT NOT NULL, value TEXT NOT NULL, incident INTEGER NOT NULL,
    first INTEGER, last INTEGER);
CREATE TABLE counted (tenant INTEGER NOT NULL, dimension TEXT NOT NULL, value TEXT NOT NULL, rank INTEGER,
    count INTEGER, first INTEGER, last INTEGER);
CREATE TABLE evidence (seq INTEGER PRIMARY KEY, uid TEXT, name TEXT, tenant INTEGER, format TEXT, size INTEGER,
    events INTEGER, duplicates INTEGER, rejects INTEGER, state TEXT, note TEXT);
CREATE TABLE reject (tenant INTEGER, name TEXT, place TEXT, reason TEXT, count INTEGER, sample TEXT);
CREATE TABLE log_source (tenant INTEGER, name TEXT, events INTEGER, first INTEGER, last INTEGER);
CREATE TABLE list (name TEXT, position INTEGER, row TEXT);
"""

#: Made when all rows are there. Ids of findings rise with time, so each of these gives pages in order of time.
INDEXES = """
CREATE INDEX finding_uid ON finding (uid);
CREATE INDEX finding_tenant ON finding (tenant, id);
CREATE INDEX finding_rank ON finding (rank, id);
CREATE INDEX finding_tenant_rank ON finding (tenant, rank, id);
CREATE INDEX finding_rule ON finding (rule, id);
CREATE INDEX finding_host ON finding (host, id);
CREATE INDEX finding_user ON finding (user, id);
CREATE INDEX finding_source ON finding (source, id);
CREATE INDEX finding_said ON finding (said, id);
CREATE INDEX finding_incident ON finding (incident, step, id);
CREATE INDEX finding_suppressed ON finding (suppressed, id) WHERE suppressed IS NOT NULL;
CREATE INDEX finding_time ON finding (time);
CREATE INDEX incident_uid ON incident (uid);
CREATE INDEX incident_tenant ON incident (tenant, state, score);
CREATE INDEX incident_state ON incident (state, score);
CREATE INDEX incident_last ON incident (last);
CREATE INDEX incident_counted ON incident (state, tenant, rank, owner, last);
CREATE INDEX incident_owner ON incident (state, owner, tenant, last);
CREATE INDEX link_incident ON link (incident, weight DESC);
CREATE INDEX entity_value ON entity (value, kind);
CREATE INDEX entity_incident ON entity (incident);
CREATE INDEX counted_by ON counted (tenant, dimension, count DESC);
CREATE INDEX counted_value ON counted (dimension, value);
CREATE INDEX counted_of ON counted (dimension, tenant);
CREATE INDEX list_name ON list (name, position);
CREATE INDEX name_plain ON name (plain, kind);
CREATE INDEX name_value ON name (kind, value);
ANALYZE;
"""
