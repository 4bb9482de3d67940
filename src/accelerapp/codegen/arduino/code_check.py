"""Whether an Arduino project can run on the board: it compiles, and uses only pins that are there."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import PurePosixPath

from accelerapp.codegen.arduino.compiler import compile_project, compiler
from accelerapp.codegen.arduino.pins import check_pins
from accelerapp.codegen.arduino.source import Source, line, text
from accelerapp.codegen.findings import Finding, check_paths
from accelerapp.codegen.project import Project
from accelerapp.codegen.specification import HardwareSpecification

_CORE_HEADERS = ("Arduino.h", "Wire.h", "SPI.h")
_STANDARD_HEADERS = frozenset(
    (
        "algorithm",
        "array",
        "atomic",
        "bitset",
        "cctype",
        "cfloat",
        "climits",
        "cmath",
        "cstddef",
        "cstdint",
        "cstdio",
        "cstdlib",
        "cstring",
        "deque",
        "functional",
        "initializer_list",
        "iterator",
        "limits",
        "list",
        "map",
        "memory",
        "numeric",
        "optional",
        "queue",
        "set",
        "stack",
        "string",
        "string_view",
        "tuple",
        "type_traits",
        "utility",
        "vector",
        "assert.h",
        "ctype.h",
        "float.h",
        "inttypes.h",
        "limits.h",
        "math.h",
        "stdbool.h",
        "stddef.h",
        "stdint.h",
        "stdio.h",
        "stdlib.h",
        "string.h",
    )
)

#: A line that goes on in the next one is one line to the compiler, even within a word.
_SPLICE = re.compile(r"\\[ \t]*\r?\n")
#: However a directive may be spelt; before its name there may be a comment, of which the end is enough.
_EMBED = re.compile(r"(?:#|%:|\?\?=|\*/)\s*embed\b|\b__has_embed\b")


def check_project(project: Project, spec: HardwareSpecification) -> list[Finding]:
    """Return what is wrong with a project, and warnings; no `invalid_…` finding means it may be handed out."""
    findings = check_paths(project, f"{spec.name}/{spec.name}.ino")
    sources = [
        Source(file.path, file.content)
        for file in project.files
        if file.path.endswith((".ino", ".cpp", ".h"))
    ]
    paths = {file.path for file in project.files}
    for source in sources:
        findings += _includes(source, paths)
        findings += _embeds(source)
    if findings:
        return findings
    prototypes = {source.path: source.prototypes() for source in sources if source.path.endswith(".ino")}
    findings = compile_project(project, spec.board, prototypes)
    if compiler() is None:
        findings = [finding for source in sources for finding in _syntax(source)]
    return findings + check_pins(sources, spec)


def _includes(source: Source, paths: Collection[str]) -> Iterator[Finding]:
    for node in source.walk("preproc_include"):
        given = node.child_by_field_name("path")
        name = text(given).strip('<>"')
        if given is None or given.type not in ("system_lib_string", "string_literal"):
            yield Finding("invalid_code", source.path, line(node), "an #include must name its header")
        elif name not in _CORE_HEADERS and name not in _STANDARD_HEADERS:
            within = given.type == "string_literal" and _resolved(source.path, name) in paths
            if not within:
                known = (
                    f"of the core ({', '.join(_CORE_HEADERS)}), of the standard library, nor in the project"
                )
                yield Finding("invalid_code", source.path, line(node), f"{name} is neither {known}")


def _embeds(source: Source) -> Iterator[Finding]:
    """Yield each #embed, which newer compilers know: what it reads, they do not list among the files they opened."""
    content = source.content.decode()
    splices = [splice.span() for splice in _SPLICE.finditer(content)]
    for match in _EMBED.finditer(_SPLICE.sub("", content)):
        place = match.start()
        for begin, end in splices:
            if begin <= place:
                place += end - begin
        row = content.count("\n", 0, place) + 1
        yield Finding(
            "invalid_code", source.path, row, "#embed is not accepted: a sketch has no file to read"
        )


def _resolved(path: str, name: str) -> str | None:
    """Return the project's path of what a file includes; None outside of it."""
    parts = list(PurePosixPath(path).parent.parts)
    for part in PurePosixPath(name).parts:
        if part != "..":
            parts.append(part)
        elif parts:
            parts.pop()
        else:
            return None
    return "/".join(parts)


def _syntax(source: Source) -> Iterator[Finding]:
    """Yield what the parser could not read: all that can be told where there is no compiler."""
    for node in source.walk("ERROR"):
        yield Finding("invalid_code", source.path, line(node), f"is no C++: {text(node)[:60]!r}")
