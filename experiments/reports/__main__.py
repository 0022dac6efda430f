"""Prints the JSON Schema of the reports."""

from experiments.reports.files import json_schema

print(json_schema(), end="")
