"""YAML with positions: what is refused, where, and how text is kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import Field

from accelerapp.server.configfile import (
    ConfigError,
    ConfigModel,
    Duration,
    RelativePath,
    Text,
    expand_globs,
    load,
    loads,
    read_secret,
)


class Inner(ConfigModel):
    size: int = 0
    ratio: float = 0.0
    on: bool = False
    wait: Duration = 30.0
    labels: dict[str, Text] = Field(default_factory=dict)
    password_file: RelativePath | None = None


class Outer(ConfigModel):
    name: str
    inner: Inner = Inner()
    items: list[Inner] = Field(default_factory=list)


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        loads(text, Outer, "file.yml")
    return str(caught.value).splitlines()


def test_values_get_the_types_of_the_model() -> None:
    outer = loads("name: 5.0\ninner: {size: 5, ratio: 0.5, on: true, wait: 1h30m}", Outer)
    assert outer == Outer(name="5.0", inner=Inner(size=5, ratio=0.5, on=True, wait="1h30m"))  # type: ignore[arg-type]


def test_text_stays_as_it_is_written() -> None:
    labels = loads("name: x\ninner: {labels: {a: 1.50, b: yes, c: 0x10, d: , e: ~}}", Outer).inner.labels
    assert labels == {"a": "1.50", "b": "yes", "c": "0x10", "d": "", "e": ""}


def test_a_key_without_a_value_counts_as_absent() -> None:
    assert loads("name: x\ninner:\nitems:\n", Outer) == Outer(name="x")


def test_everything_wrong_is_listed_in_the_order_of_the_file() -> None:
    assert problems("inner:\n  size: many\n  sise: 1\nitems:\n  - wait: soon\n  - [1]\n") == [
        "file.yml:1:1: name: this key is required; add it",
        'file.yml:2:9: inner.size: found "many" where a whole number is expected; change it',
        'file.yml:3:3: inner.sise: unknown key; did you mean "size"?',
        (
            'file.yml:5:11: items[0].wait: "soon" is not a duration; '
            "write numbers with units in descending order: y, w, d, h, m, s, ms"
        ),
        "file.yml:6:5: items[1]: found a list where a mapping (`key: value`) is expected; change it",
    ]


def test_the_known_keys_are_named_where_none_is_alike() -> None:
    assert problems("name: x\nzzzzzz: 1\n") == [
        "file.yml:2:1: zzzzzz: unknown key; known here: inner, items, name"
    ]


def test_a_key_given_twice_is_refused() -> None:
    assert problems("name: a\nname: b\n") == [
        "file.yml:2:1: name: the key is given twice (first on line 1); remove one"
    ]


def test_anchors_and_merges_work() -> None:
    text = "name: x\ninner: &base {size: 1, ratio: 2}\nitems:\n  - <<: *base\n    size: 3\n"
    assert loads(text, Outer).items == [Inner(size=3, ratio=2.0)]


def test_an_alias_bomb_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    (problem,) = problems("\n".join(lines))
    assert "once its aliases are expanded" in problem


def test_an_alias_that_contains_itself_is_refused() -> None:
    (problem,) = problems("name: &a [*a]")
    assert "nested more than 64 levels deep" in problem


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "file.yml:1:5: is not valid YAML"),
        ("a: *none", "found undefined alias"),
        ("a: 1\n---\nb: 2", "is not valid YAML"),
        ("a: \0", "is not valid YAML"),
        ("[" * 5000, "is nested too deeply"),
        ("a" * (5 << 20), "is larger than 4 MiB"),
        ("- 1", "found a list where a mapping"),
        ("", "name: this key is required"),
    ],
)
def test_what_is_not_a_configuration_is_refused(text: str, message: str) -> None:
    assert any(message in problem for problem in problems(text))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yml: cannot be read: No such file or directory; check"):
        load(tmp_path / "none.yml", Outer)


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_bytes(b"name: \xff")
    with pytest.raises(ConfigError, match="is not UTF-8 at byte 6"):
        load(tmp_path / "a.yml", Outer)


def test_paths_start_from_the_file_that_names_them(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("name: x\ninner: {password_file: secrets/p}\n")
    path = load(tmp_path / "a.yml", Outer).inner.password_file
    assert path == tmp_path / "secrets" / "p"
    assert loads("name: x\ninner: {password_file: /etc/p}", Outer).inner.password_file == Path("/etc/p")


def test_a_secret_is_read_without_its_line_end_and_bounded(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("word\n")
    assert read_secret(tmp_path / "s") == "word"
    (tmp_path / "s").write_bytes(b"x" * 70_000)
    with pytest.raises(ValueError, match="larger than 64 KiB"):
        read_secret(tmp_path / "s")


def test_patterns_name_files_in_order_and_keep_plain_names(tmp_path: Path) -> None:
    for name in ("b.yml", "a.yml", "c.txt"):
        (tmp_path / name).touch()
    found = expand_globs([tmp_path / "missing.yml", tmp_path / "*.yml", tmp_path / "a.yml"])
    assert [path.name for path in found] == ["missing.yml", "a.yml", "b.yml"]
