"""What the model is asked."""

from __future__ import annotations

import json
from typing import Any

from accelerapp.codegen.boards import BOARDS, ranges
from accelerapp.codegen.platforms import PLATFORMS
from accelerapp.codegen.project import Project
from accelerapp.codegen.specification import HardwareSpecification

SPECIFICATION_BEGIN = "<specification>"
SPECIFICATION_END = "</specification>"

_ANSWER = """
You answer with one JSON object that has the key "files": a list of objects with the keys "path" and "content".
A sensor that fails must not stop the others. Outputs are off at the start and whenever their measurement is missing."""


def system_prompt(spec: HardwareSpecification) -> str:
    """Return what the model is told of its task, which depends on the platform."""
    return PLATFORMS[spec.platform].instructions + _ANSWER


def build_prompt(spec: HardwareSpecification) -> str:
    """Return the prompt for one specification, which stands in it as JSON between two markers."""
    board = BOARDS[spec.board]
    return (
        f"Write the {PLATFORMS[spec.platform].name} project for this specification on {board.name}, "
        f"whose GPIO numbers are {ranges(board.pins)}.\n"
        f"{SPECIFICATION_BEGIN}\n{spec.model_dump_json(indent=1)}\n{SPECIFICATION_END}\n"
    )


def specification_in(prompt: str) -> HardwareSpecification:
    """Return the specification that a prompt of `build_prompt` holds.

    Raises:
        ValueError: there is none, or it is malformed.
    """
    _, begin, rest = prompt.partition(SPECIFICATION_BEGIN)
    body, end, _ = rest.partition(SPECIFICATION_END)
    if not begin or not end:
        raise ValueError(f"the prompt holds no specification between {SPECIFICATION_BEGIN} and its end")
    return HardwareSpecification.model_validate(json.loads(body))


def answer_schema() -> dict[str, Any]:
    """Return the JSON schema that the answer must fit, for Ollama's `format`."""
    return Project.model_json_schema()
