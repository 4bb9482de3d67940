"""Reads how a panel's values are shown: `fieldConfig` with its thresholds, mappings, links and overrides."""

from __future__ import annotations

from typing import Any

from accelerapp.server.dashboards.fields import FieldError, Fields, short
from accelerapp.server.dashboards.link import data_links
from accelerapp.server.dashboards.model import Override
from accelerapp.server.dashboards.settings import NotHonouredError, as_number
from accelerapp.server.dashboards.style import field_settings, modern_style

_MATCHERS = ("byName", "byRegexp", "byFrameRefID", "byType", "byNames", "byValue")
_SPECIAL = {
    "null": "null",
    "nan": "nan",
    "null+nan": "null+nan",
    "true": "true",
    "false": "false",
    "empty": "empty",
}
_OPERATORS = ("eq", "neq", "gt", "gte", "lt", "lte")


def read_field(config: Fields, kind: str) -> tuple[dict[str, Any], tuple[Override, ...], list[str]]:
    """Return the form of `fieldConfig.defaults`, its overrides, and notes of what is not honoured."""
    defaults = config.object("defaults")
    settings = field_settings(kind)
    plain = {name: value for name, value in defaults.values.items() if name not in _PARTS}
    plain["custom"] = modern_style(defaults.object("custom").values)
    form, notes = settings.read(plain)
    notes = [f"fieldConfig.defaults.{note}" for note in notes]
    for name, value in defaults.values.items():
        if name in _PARTS:
            notes += [f"fieldConfig.defaults.{note}" for note in _part(form, name, value, defaults)]
    for name, empty in (("thresholds", {"mode": "absolute", "steps": []}), ("mappings", []), ("links", [])):
        form.setdefault(name, empty)
    overrides: list[Override] = []
    for one in config.objects("overrides"):
        override, found = _override(one, form, kind)
        notes += found
        if override is not None:
            overrides.append(override)
    return form, tuple(overrides), notes


def _override(fields: Fields, whole: dict[str, Any], kind: str) -> tuple[Override | None, list[str]]:
    """Read an override of what `whole` says for all fields."""
    matcher, notes = _matcher(fields.object("matcher"))
    if matcher is None:
        return None, notes
    about = f"override {short(fields.object('matcher').values.get('options', ''))}"
    parts: dict[str, Any] = {}
    plain: dict[str, Any] = {}
    custom: dict[str, Any] = {}
    for one in fields.objects("properties"):
        path, value = one.text("id"), one.values.get("value")
        if path in _PARTS:
            notes += [f"{about}: {note}" for note in _part(parts, path, value, one, "value")]
        elif path.startswith("custom."):
            _put_raw(custom, path.removeprefix("custom."), value)
        else:
            plain[path] = value
    form, unknown = field_settings(kind).read_part({**plain, "custom": modern_style(custom)}, whole, "custom")
    notes += [f"{about}: {note}" for note in unknown]
    form |= parts
    return (Override(matcher, form), notes) if form else (None, notes)


def _put_raw(values: dict[str, Any], path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for parent in parents:
        below = values.setdefault(parent, {})
        if not isinstance(below, dict):
            below = values[parent] = {}
        values = below
    values[last] = value


def _matcher(fields: Fields) -> tuple[dict[str, Any] | None, list[str]]:
    kind, options = fields.text("id"), fields.values.get("options")
    if kind not in _MATCHERS:
        return None, [f"override of the fields {kind} {short(options)}"]
    matcher: dict[str, Any] = {
        "id": kind, "options": "", "names": [], "exclude": False, "reducer": "", "op": "", "value": 0,
    }  # fmt: skip
    if kind == "byNames":
        names = (
            fields.object("options") if isinstance(options, dict) else Fields({"names": options}, fields.path)
        )
        matcher["names"] = [str(name) for name in names.items("names")]
        matcher["exclude"] = names.text("mode") == "exclude"
    elif kind == "byValue":
        by = fields.object("options")
        if by.text("op", "gte") not in _OPERATORS:
            return None, [f"override of the fields byValue {short(by.values.get('op'))}"]
        matcher["reducer"], matcher["op"] = by.text("reducer", "last"), by.text("op", "gte")
        matcher["value"] = by.number("value") or 0
    else:
        matcher["options"] = fields.text("options")
    return matcher, []


_PARTS = ("thresholds", "mappings", "links")


def _part(form: dict[str, Any], name: str, value: Any, fields: Fields, key: str | None = None) -> list[str]:
    """Read thresholds, mappings or links, which are `value`, from the fields where they stand, into the form."""
    if value is None:
        return []
    if name == "thresholds":
        form[name], notes = _thresholds(fields.object(key or name))
    elif name == "mappings":
        form[name], notes = read_mappings(fields.objects(key or name))
    else:
        links, notes = data_links(fields.objects(key or name))
        form[name] = [{"title": link.title, "url": link.url, "new_tab": link.new_tab} for link in links]
    return notes


def _thresholds(fields: Fields) -> tuple[dict[str, Any], list[str]]:
    steps: list[dict[str, Any]] = []
    for step in fields.objects("steps"):
        # JSON has no minus infinity, so the base is null; some files write it as a text.
        value = step.values.get("value")
        base = value is None or value == "-Infinity" or (isinstance(value, str) and not value.strip())
        steps.append({"value": None if base else step.number("value"), "color": step.text("color", "text")})
    mode = fields.text("mode", "absolute")
    if mode not in ("absolute", "percentage"):
        return {"mode": "absolute", "steps": steps}, [f"thresholds.mode = {short(mode)}"]
    return {"mode": mode, "steps": steps}, []


def read_mappings(mappings: list[Fields]) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the mappings in the order in which they are tried, and notes of those that are not known."""
    found: list[tuple[float, dict[str, Any]]] = []
    notes: list[str] = []
    for mapping in mappings:
        kind = mapping.values.get("type")
        if kind in (1, 2, "1", "2"):  # before Grafana 8
            found += [(len(found), one) for one in _old_mapping(mapping)]
            continue
        options = mapping.object("options")
        if kind == "value":
            for value in options.values:
                result = options.object(value)
                found.append(
                    (_index(result, len(found)), {"type": "value", "value": value, **_result(result)})
                )
            continue
        result = options.object("result")
        order = _index(result, len(found))
        if kind == "range":
            ends = {"from": _end(options, "from"), "to": _end(options, "to")}
            found.append((order, {"type": "range", **ends, **_result(result)}))
        elif kind == "regex":
            found.append((order, {"type": "regex", "pattern": options.text("pattern"), **_result(result)}))
        elif kind == "special" and str(options.values.get("match", "")).lower() in _SPECIAL:
            match = _SPECIAL[str(options.values["match"]).lower()]
            found.append((order, {"type": "special", "match": match, **_result(result)}))
        else:
            notes.append(f"value mapping of type {short(kind)}")
    found.sort(key=lambda one: one[0])
    return [one for _, one in found], notes


def _old_mapping(fields: Fields) -> list[dict[str, Any]]:
    result = {"text": str(fields.values.get("text") or "") or None, "color": None}
    if fields.values.get("type") in (1, "1"):
        value = str(fields.values.get("value", ""))
        if value == "null":
            return [{"type": "special", "match": "null", **result}]
        return [{"type": "value", "value": value, **result}] if value else []
    if fields.values.get("from") == "null":
        return [{"type": "special", "match": "null", **result}]
    return [{"type": "range", "from": _end(fields, "from"), "to": _end(fields, "to"), **result}]


def _index(result: Fields, default: int) -> float:
    try:
        index = as_number(result.values.get("index"))
    except NotHonouredError:
        index = None
    return default if index is None else index


def _end(fields: Fields, name: str) -> float | None:
    value = fields.values.get(name)
    try:
        return None if value is None else as_number(value)
    except NotHonouredError:
        if value in ("Infinity", "-Infinity"):
            return None
        raise FieldError(f"{fields.at(name)}: expected a number, found {short(value)}") from None


def _result(fields: Fields) -> dict[str, Any]:
    text = fields.values.get("text")
    return {"text": None if text is None or text == "" else str(text), "color": fields.text("color") or None}
