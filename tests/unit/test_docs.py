"""What is written is true: generated pages are current, what is public is named, links lead somewhere, examples run."""

from __future__ import annotations

import importlib.util
import itertools
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, cast
from urllib.parse import unquote

import pytest
import typer.main
from markdown_it import MarkdownIt
from markdown_it.token import Token
from pydantic import SecretStr
from starlette.routing import Route

from accelerapp.cli.command import app as command
from accelerapp.codegen import CodegenSettings, create_app
from accelerapp.monitoring import MetricsCollector
from accelerapp.server.api import Services, query_app
from accelerapp.server.ingest import Account, jaeger_app, logstash_http_app, otlp_app, zipkin_app
from accelerapp.server.ingest.scrape_series import REPORTED
from accelerapp.server.storage import Sink

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
RUN = [ROOT / "README.md", *sorted((ROOT / "docs" / "howto").glob("*.md"))]


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look their module up
    spec.loader.exec_module(module)
    return module


GENERATED = generator().PAGES


def tokens(path: Path) -> list[Token]:
    return MarkdownIt().parse(path.read_text())


def inline(path: Path) -> Iterator[Token]:
    for token in tokens(path):
        yield from token.children or ()


def fences(path: Path, *languages: str) -> list[str]:
    return [t.content for t in tokens(path) if t.type == "fence" and t.info in languages]


@pytest.mark.parametrize("name", GENERATED)
def test_a_generated_page_is_current(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in [name for name in os.environ if name.startswith("ACCELERAPP_")]:
        monkeypatch.delenv(variable)
    written = (ROOT / "docs" / "reference" / name).read_text()
    assert written == GENERATED[name](), "run `make generate`"


def paths(routes: Iterable[Any]) -> set[str]:
    """Return the paths of routes, those of included routers too; a path parameter without its converter."""
    found: set[str] = set()
    for route in routes:
        if isinstance(route, Route):
            found.add(re.sub(r"\{(\w+):\w+\}", r"{\1}", route.path))
        for inner in getattr(getattr(route, "original_router", route), "routes", None) or ():
            found |= paths([inner])
    return found


def http_routes() -> dict[str, set[str]]:
    page = query_app(cast("Services", None), loopback_only=True)
    service = create_app(CodegenSettings(fault_token=SecretStr("not-a-secret")), metrics=MetricsCollector())
    return {
        "observatory": paths(page.routes) - {"/{path}"},
        "otlp": paths(otlp_app(cast("Sink", None), cast("Account", None)).routes),
        "zipkin": paths(zipkin_app(cast("Sink", None), cast("Account", None)).routes),
        "jaeger": paths(jaeger_app(cast("Sink", None), cast("Account", None)).routes),
        "logstash": paths(logstash_http_app(cast("Sink", None), cast("Account", None)).routes),
        "codegen": paths(service.routes),
    }


@pytest.mark.parametrize(
    ("application", "one_of_them"),
    [
        ("observatory", "/api/v1/label/{name}/values"),
        ("otlp", "/v1/logs"),
        ("zipkin", "/api/v2/spans"),
        ("jaeger", "/api/traces"),
        ("logstash", "/{path}"),
        ("codegen", "/v1/faults"),
    ],
)
def test_every_http_route_is_documented(application: str, one_of_them: str) -> None:
    found = http_routes()[application]
    assert one_of_them in found
    code = {
        t.content.rpartition(" ")[2]
        for t in inline(ROOT / "docs/reference/http-api.md")
        if t.type == "code_inline"
    }
    assert found - code == set()


def test_every_series_that_a_scrape_writes_is_documented() -> None:
    page = (ROOT / "docs/reference/metrics.md").read_text()
    assert [name for name in REPORTED if f"| `{name}` |" not in page] == []


def anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def anchors(path: Path) -> set[str]:
    listed = tokens(path)
    return {
        anchor(body.content) for opening, body in itertools.pairwise(listed) if opening.type == "heading_open"
    }


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    dead = []
    for token in inline(page):
        target = str(token.attrs.get("href" if token.type == "link_open" else "src", ""))
        if not target or re.match(r"[a-z]+:", target):
            continue
        name, _, heading = unquote(target).partition("#")
        file = (page.parent / name).resolve() if name else page
        if not file.exists() or (heading and heading not in anchors(file)):
            dead.append(target)
    assert dead == []


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 120


EXAMPLES = [
    pytest.param(block, id=f"{named(page)}-{number}")
    for page in RUN
    if page.name != "send-telemetry.md"  # needs an observatory: tests/stack/test_send_telemetry_page.py
    for number, block in enumerate(fences(page, "python"))
]


@pytest.mark.parametrize("block", EXAMPLES)
def test_an_example_runs_without_an_endpoint_and_says_only_what_it_logs(block: str, tmp_path: Path) -> None:
    without_endpoint = re.sub(r", otlp_endpoint=\"[^\"]*\"", "", block)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "LOGSTASH_"))}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", without_endpoint],
        env=clean,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert [line for line in done.stderr.splitlines() if '"logger": "__main__"' not in line] == []


def commands(page: Path) -> set[str]:
    """Return what a page tells people to type: lines of shell blocks, and code that begins with a program."""
    typed = {line for block in fences(page, "sh", "console") for line in block.splitlines()}
    typed |= {token.content for token in inline(page) if token.type == "code_inline"}
    return {line.partition("#")[0].strip() for line in typed}


def makefile_targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):(?!=)", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_every_make_target_that_is_named_exists() -> None:
    pages = {
        named(page): {word for line in commands(page) for word in re.findall(r"^make (\S+)", line)}
        for page in PAGES
    }
    assert {"demo", "test"} <= pages["README.md"]
    sources = {
        named(file): set(re.findall(r"`make ([a-z-]+)", file.read_text()))
        for folder in ("src", "tests", "docs")
        for file in (ROOT / folder).rglob("*.py")
    }
    targets = makefile_targets()
    assert {file: unknown for file, words in (pages | sources).items() if (unknown := words - targets)} == {}


def test_every_target_that_help_names_exists() -> None:
    told = subprocess.run(
        ["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=30
    ).stdout
    assert set(re.findall(r"^make (\S+)", told, re.MULTILINE)) <= makefile_targets()


def unknown_part(line: str) -> str | None:
    """Return the first command or option of an `accelerapp …` line that there is not."""
    found: Any = typer.main.get_command(command)
    for word in line.split()[1:]:
        if word.startswith("-"):
            options = {option for parameter in found.params for option in parameter.opts}
            if word.partition("=")[0] not in {"-h", "--help", *options}:
                return word
        elif (inner := getattr(found, "commands", {})) and word not in {"…", "..."}:
            if word not in inner:
                return word
            found = inner[word]
    return None


def test_every_command_and_option_that_is_named_exists() -> None:
    lines = {line for page in PAGES for line in commands(page) if re.match(r"accelerapp( |$)", line)}
    assert "accelerapp up" in lines
    assert {line: part for line in lines if (part := unknown_part(line))} == {}
    assert unknown_part("accelerapp codegen observe") == "observe"
    assert unknown_part("accelerapp up --prot 0") == "--prot"


def test_every_option_that_is_named_alone_is_one_of_some_command() -> None:
    def options(of: Any) -> set[str]:
        own = {option for parameter in of.params for option in parameter.opts}
        return own.union(*(options(inner) for inner in getattr(of, "commands", {}).values()))

    known = options(typer.main.get_command(command)) | {"--check"}
    lines = {line for page in PAGES for line in commands(page)}
    named_alone = {
        word.partition("=")[0]
        for line in lines
        for word in line.split()
        if re.match(r"--[a-z]", line) and word.startswith("--")
    }
    assert named_alone
    assert named_alone - known == set()


def test_every_dependency_has_its_line() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    lists = [project["dependencies"], *(extras[name] for name in extras if name != "dev")]
    packages = {re.split(r"[\[<>=!~; ]", line)[0] for lines in lists for line in lines} - {"accelerapp"}
    page = (ROOT / "docs" / "explanation" / "dependencies.md").read_text().partition("\n## ")[0]
    first_cells = {
        name for row in re.findall(r"^\| ([^|]+) \|", page, re.MULTILINE) for name in row.split(", ")
    }
    assert packages - first_cells == set()
    assert first_cells - packages == {"Package"} | (first_cells & {"---"})


def test_every_decision_record_is_listed() -> None:
    folder = ROOT / "docs" / "adr"
    listed = {str(t.attrs["href"]) for t in inline(folder / "README.md") if t.type == "link_open"}
    assert {file.name for file in folder.glob("[0-9]*.md")} == listed
