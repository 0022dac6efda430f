"""Prints the JSON Schema of the reports."""

from experiments.reporting.json_reports import json_schema

print(json_schema(), end="")
