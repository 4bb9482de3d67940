"""Links of a page that is written elsewhere lead where they led, or are their text."""

from __future__ import annotations

import pytest

from accelerapp.cli.links import relinked, targets

PLACES = {
    "deployment/stack/README.md": "README.md",
    "deployment/stack/playbooks/one.md": "playbooks/one.md",
    "docs/howto/size.md": "docs/howto/size.md",
}


@pytest.mark.parametrize(
    ("source", "text", "written"),
    [
        ("README.md", "[size](../../docs/howto/size.md#scale-out)", "[size](docs/howto/size.md#scale-out)"),
        ("README.md", "[one](playbooks/one.md)", "[one](playbooks/one.md)"),
        ("README.md", "[all](playbooks/)", "[all](playbooks/)"),
        ("README.md", "[the\ncode](../../src/x.py), [`y`](helm/y.yaml)", "the\ncode, `y`"),
        ("README.md", "![a picture](../../docs/images/a.png)", "a picture"),
        ("README.md", "[up](#up) [out](https://example.com/a) [mail](mailto:me@example.com)", None),
        ("README.md", "`[x](../../a.md)` and\n```sh\necho [x](../../a.md)\n```\n", None),
        ("README.md", "\\ ``a ` [x](../../a.md)`` [y](../../a.md)", "\\ ``a ` [x](../../a.md)`` y"),
        ("playbooks/one.md", "[back](../README.md#top)", "[back](../README.md#top)"),
        ("playbooks/one.md", "[size](../../../docs/howto/size.md)", "[size](../docs/howto/size.md)"),
    ],
)
def test_a_link(source: str, text: str, written: str | None) -> None:
    assert relinked(text, f"deployment/stack/{source}", PLACES) == (text if written is None else written)


def test_a_page_two_folders_deep_leads_back() -> None:
    text = "[back](../../deployment/stack/README.md) [all](../../deployment/stack/playbooks)"
    assert relinked(text, "docs/howto/size.md", PLACES) == "[back](../../README.md) [all](../../playbooks/)"


def test_targets_are_told_from_the_root() -> None:
    text = "[a](b.md#c) [d](https://example.com) `[e](f.md)` [g](../h/)"
    assert list(targets(text, "docs/howto/size.md")) == ["docs/howto/b.md", "docs/h"]
