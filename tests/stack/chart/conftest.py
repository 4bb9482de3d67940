"""The chart, rendered by the real Helm."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from ruamel.yaml import YAML
from tests.stack.chart.rendered import FOLDER, Object, Render
from tests.stack.conftest import built


@pytest.fixture(scope="session")
def generator() -> Iterator[Any]:
    """Return docs/generate_kubernetes.py, with the Helm that is built."""
    path = FOLDER.parents[1] / "docs" / "generate_kubernetes.py"
    spec = importlib.util.spec_from_file_location("generate_kubernetes", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HELM", str(built("helm") / "helm"))
        yield module


@pytest.fixture(scope="session")
def render(generator: Any) -> Render:
    """Return the call that renders the chart with `--set` options."""

    @cache
    def rendered(*settings: str) -> list[Object]:
        options = [part for setting in settings for part in ("--set", setting)]
        text = generator.render("--values", str(FOLDER / "helm" / "rendering-values.yaml"), *options)
        return [item for item in YAML(typ="safe").load_all(text) if item]

    return rendered
