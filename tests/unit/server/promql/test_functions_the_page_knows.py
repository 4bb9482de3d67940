"""The page's signatures of functions and aggregations, held against those that the server has."""

from __future__ import annotations

import re
from pathlib import Path

from accelerapp.server.promql.functions.signatures import SIGNATURES, Signature
from accelerapp.server.promql.lexer import AGGREGATORS, PARAMETRIC

PAGE = Path(__file__).parents[4] / "ui/src/explore/promql/signatures.ts"
#: Behind a feature flag in Prometheus, and refused here.
EXPERIMENTAL = {"limitk", "limit_ratio"}
TYPES = {"scalar": "scalar", "string": "string", "vector": "instant vector", "range": "range vector"}


def written(table: str) -> dict[str, list[str]]:
    """Return the types of the parameters of each entry of a table."""
    _, _, text = PAGE.read_text().partition(f"const {table}: Record<string, Written> = {{\n")
    text = text.partition("\n};\n")[0]
    found = re.findall(r'^  (\w+): \[\s*"([^"]*)"', text, re.MULTILINE)
    return {name: [one.split(": ")[1] for one in parameters.split(", ") if one] for name, parameters in found}


def of_server(signature: Signature) -> list[str]:
    mark = {0: "", 1: "?"}.get(signature.variadic, "…")
    types = [str(one.value) for one in signature.arguments]
    return [*types[:-1], *(one + mark for one in types[-1:])]


def test_the_page_knows_the_functions_that_the_server_has() -> None:
    page = {
        name: [re.sub(r"^\w+", lambda found: TYPES[found[0]], one) for one in types]
        for name, types in written("FUNCTIONS").items()
    }
    server = {name: of_server(one) for name, one in SIGNATURES.items() if not one.experimental}
    assert page == server


def test_the_page_knows_the_aggregations_that_the_server_has() -> None:
    page = written("AGGREGATIONS")
    assert page.keys() == AGGREGATORS - EXPERIMENTAL
    assert {name for name, types in page.items() if len(types) == 2} == PARAMETRIC - EXPERIMENTAL
