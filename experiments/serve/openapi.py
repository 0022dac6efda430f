"""The OpenAPI document: the endpoints as FastAPI describes them, with applications as the model's contract has them."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from data_schemas.contract import Schema
from experiments.serve.answers import Problem, application_model
from experiments.serve.limits import Limits
from experiments.serve.records import RowReader
from fusion.versions import package_versions

APPLICATION = {"$ref": "#/components/schemas/Application"}


def openapi(app: FastAPI, reader: RowReader, schema: Schema, limits: Limits, with_keys: bool) -> dict[str, Any]:
    """The document.

    Args:
        reader: Of the applications.
        schema: The champion's contract.
        limits: Of a request.
        with_keys: Whether requests need a key.
    """
    document = get_openapi(
        title=f"creditfusion: {schema.title}",
        version=package_versions().get("creditfusion", ""),
        description="Scores, decisions, reasons. Every application is scored or, with rule and remedy, rejected.",
        routes=app.routes,
    )
    components = document.setdefault("components", {})
    components.setdefault("schemas", {})["Application"] = application_model(reader, schema.name).model_json_schema()
    components["schemas"]["Problem"] = Problem.model_json_schema()
    several = {"type": "array", "items": APPLICATION, "minItems": 1, "maxItems": limits.rows}
    body: dict[str, Any] = {"anyOf": [APPLICATION, several]}
    if schema.sources:
        records = {"type": "array", "items": {"type": "object"}}
        named = {"type": "object", "properties": {source.name: records for source in schema.sources}}
        parts = {"applications": several, "sources": named}
        body = {"type": "object", "required": ["applications", "sources"], "properties": parts}
    for path in ("/score", "/explain"):
        content = {"application/json": {"schema": body}}
        document["paths"][path]["post"]["requestBody"] = {"required": True, "content": content}
    if with_keys:
        components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        document["security"] = [{"key": []}]
    return document
