"""Reads links: of a dashboard, of a panel, and of the data in it."""

from __future__ import annotations

from accelerapp.server.dashboards.fields import Fields
from accelerapp.server.dashboards.model import DashboardLink, Link


def panel_links(links: list[Fields]) -> tuple[tuple[Link, ...], list[str]]:
    """Return a panel's links, and notes of those that name a dashboard as Grafana did before version 5."""
    found: list[Link] = []
    notes: list[str] = []
    for one in links:
        title, url = one.text("title"), one.text("url")
        if not url:
            notes.append(f"link {title or one.text('dashboard')!r}: it has no address")
            continue
        found.append(Link(title, url, one.values.get("targetBlank") is True))
    return tuple(found), notes


def data_links(links: list[Fields]) -> tuple[tuple[Link, ...], list[str]]:
    """Return the links of values, and notes of those that only Grafana can follow."""
    found: list[Link] = []
    notes: list[str] = []
    for one in links:
        title, url = one.text("title"), one.text("url")
        if "internal" in one.values or not url:
            notes.append(f"link {title!r}: it leads to a query of another data source")
            continue
        found.append(Link(title, url, one.values.get("targetBlank") is True))
    return tuple(found), notes


def dashboard_links(links: list[Fields]) -> tuple[tuple[DashboardLink, ...], list[str]]:
    """Return a dashboard's links, and notes of those of an unknown type."""
    found: list[DashboardLink] = []
    notes: list[str] = []
    for one in links:
        kind, title, url = one.text("type", "link"), one.text("title"), one.text("url")
        if kind not in ("link", "dashboards") or (kind == "link" and not url):
            notes.append(f"link {title!r} of type {kind!r}" if url else f"link {title!r}: it has no address")
            continue
        # In old files, one tag.
        tags = one.values.get("tags") or []
        found.append(
            DashboardLink(
                type=kind,
                title=title,
                tooltip=one.text("tooltip"),
                url=url,
                tags=tuple(str(tag) for tag in (tags if isinstance(tags, list) else [tags])),
                as_dropdown=one.flag("asDropdown", False),
                keep_time=one.flag("keepTime", False),
                keep_variables=one.flag("includeVars", False),
                new_tab=one.flag("targetBlank", False),
            )
        )
    return tuple(found), notes
