"""The API in the words of OpenAPI 3.1, made from the resources and acts themselves: it cannot say what is not so."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec

from kazami import __version__
from kazami.web.answer import FailureEnvelope
from kazami.web.resource import Act, Resource

_REF = "#/components/schemas/{name}"
_FAILURES = {
    "400": "What was asked for cannot be",
    "401": "Sign in first",
    "403": "Not allowed",
    "404": "Not there",
} | {
    "409": "The case is being written",
    "413": "Too large",
    "415": "Neither a form nor JSON",
    "429": "Too many requests",
    "503": "The case cannot be read",
}


@lru_cache(maxsize=2)
def text(resources: Sequence[Resource], acts: Sequence[Act]) -> bytes:
    """The document, as JSON."""
    return json.dumps(described(resources, acts), ensure_ascii=False, indent=1).encode()


def described(resources: Sequence[Resource], acts: Sequence[Act]) -> dict[str, Any]:
    """The document."""
    types = [r.data for r in resources] + [a.body for a in acts] + [FailureEnvelope]
    schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
    data, bodies = schemas[: len(resources)], schemas[len(resources) : -1]
    paths: dict[str, Any] = {}
    for resource, schema in zip(resources, data, strict=True):
        twin = "/index.json" if resource.path == "/" else f"{resource.path}.json"
        paths[twin] = {"get": _read(resource, schema)}
    for act, schema in zip(acts, bodies, strict=True):
        paths[act.path] = {"post": _acted(act, schema)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Kazami",
            "version": __version__,
            "description": "Incidents, their proof, and work on them.",
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}],
    }


def _read(resource: Resource, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "summary": resource.about,
        "operationId": f"get_{resource.template}",
        "parameters": [*_path(resource.path), *_query(resource.query)],
        "responses": _responses(schema),
    }


def _acted(act: Act, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "summary": act.about,
        "operationId": re.sub(r"\W+", "_", act.path).strip("_"),
        "parameters": _path(act.path),
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
        "responses": _responses({"type": "object"}),
    }


def _path(path: str) -> list[dict[str, Any]]:
    kind = {"type": "string", "minLength": 1}
    return [
        {"name": n, "in": "path", "required": True, "schema": kind} for n in re.findall(r"\{(\w+)\}", path)
    ]


def _query(kind: type[msgspec.Struct]) -> list[dict[str, Any]]:
    (schema,), components = msgspec.json.schema_components([kind], ref_template=_REF)
    properties = components.get(kind.__name__, schema).get("properties", {})
    return [
        {
            "name": name,
            "in": "query",
            "required": False,
            "schema": {k: v for k, v in about.items() if k != "default"},
        }
        for name, about in properties.items()
    ]


def _responses(schema: dict[str, Any]) -> dict[str, Any]:
    envelope = {
        "type": "object",
        "required": ["data", "meta"],
        "properties": {"data": schema, "meta": {"type": "object"}},
    }
    failed = {"content": {"application/json": {"schema": {"$ref": _REF.format(name="FailureEnvelope")}}}}
    told = {status: {"description": words, **failed} for status, words in _FAILURES.items()}
    return {"200": {"description": "Done", "content": {"application/json": {"schema": envelope}}}, **told}
