"""HTML in which each value is escaped by where it stands, as Go's html/template does.

What may hold a value: text, title and textarea, quoted attributes and URLs in them. Where Go would escape for CSS or
JavaScript the template is refused, by its place.
"""

from __future__ import annotations

import enum
import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from accelerapp.server.gotemplate.errors import TemplateError
from accelerapp.server.gotemplate.escapers import ESCAPERS
from accelerapp.server.gotemplate.nodes import Action, Branch, Call, Function, Jump, Node, Pipeline, Text
from accelerapp.server.gotemplate.template import Definition, Template, error_at


class Place(enum.Enum):
    TEXT = "text"
    TITLE = "an element that holds text alone"
    STYLE = "CSS"
    SCRIPT = "a script"
    TAG = "a tag, outside the quotes of an attribute"
    ATTRIBUTE = "an attribute"
    URL = "a URL"
    COMMENT = "a comment"


class UrlPart(enum.Enum):
    START = "start"
    PATH = "path"
    QUERY = "query"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Context:
    """Where in the HTML a template has come to; `element` is the one whose content or tag it is, if that matters."""

    place: Place = Place.TEXT
    element: str = ""
    quote: str = ""
    url: UrlPart = UrlPart.START


_BY_ELEMENT: Final = {
    "script": Place.SCRIPT,
    "style": Place.STYLE,
    "title": Place.TITLE,
    "textarea": Place.TITLE,
}
_OPENING: Final = re.compile(r"<!--|</?([a-zA-Z][a-zA-Z0-9:-]*)")
_STRAY: Final = re.compile(r"<(?!!doctype)", re.IGNORECASE)
_IN_TAG: Final = re.compile(r"""[\s/]+|(>)|([^\s"'<>/=]+)(?:\s*=\s*(["']|$|(?=[^\s"'])[^\s"'<=>`]*))?""")
_CSS_COMMENT: Final = re.compile(
    r"""("[^"\n]*"|'[^'\n]*'|url\([^)]*\))|/\*.*?(?:\*/|$)|//[^\n]*""", re.DOTALL | re.IGNORECASE
)
_URLS: Final = frozenset(
    {
        *("action", "archive", "background", "cite", "classid", "codebase", "data", "formaction", "href"),
        *("icon", "longdesc", "manifest", "poster", "profile", "src", "usemap", "xmlns"),
    }
)
_PREDEFINED: Final = ("html", "urlquery")
_EQUIVALENT: Final = {
    "_text": "html",
    "_title": "html",
    "_attribute": "html",
    "_escape_url": "urlquery",
    "_normalize_url": "urlquery",
}


def escaped(template: Template) -> Template:
    """Return the template with each of its values, and those of the templates that it calls, escaped by its place.

    Raises TemplateError where a value stands where it cannot be escaped, or where branches end in different places.
    """
    work = _Escaping(template.definitions)
    source = Definition(template.nodes, template.text, template.name)
    try:
        nodes, end = work.nodes(source, source.nodes, Context())
    except RecursionError as error:
        raise error_at(template.text, template.name, 0, "the templates call each other too deeply") from error
    if end.place is not Place.TEXT:
        raise error_at(
            template.text, template.name, len(template.text), f"the HTML ends in {end.place.value}"
        )
    functions = {**template.functions, **ESCAPERS}
    return Template(template.text, template.name, nodes, work.derived, functions)


class _Escaping:
    """Rewrites nodes; a template that is called from several places is made for each of them."""

    def __init__(self, definitions: Mapping[str, Definition]) -> None:
        self._definitions = definitions
        self._ends: dict[str, Context] = {}
        self.derived: dict[str, Definition] = {}

    def nodes(
        self, source: Definition, nodes: Sequence[Node], context: Context
    ) -> tuple[tuple[Node, ...], Context]:
        result: list[Node] = []
        for node in nodes:
            made, context = self._node(source, node, context)
            result.append(made)
        return tuple(result), context

    def _node(self, source: Definition, node: Node, context: Context) -> tuple[Node, Context]:
        match node:
            case Text():
                text, context = _Scanner(node.text, context).scan()
                return Text(text), context
            case Action():
                return (node, context) if node.variables else self._action(source, node, context)
            case Branch():
                return self._branch(source, node, context)
            case Call():
                return self._call(source, node, context)
            case Jump():
                return node, context

    def _action(self, source: Definition, node: Action, context: Context) -> tuple[Node, Context]:
        offset = node.pipeline.offset
        names = self._escapers(source, offset, context)
        commands = list(node.pipeline.commands)
        for place, command in enumerate(commands):
            head = command[0]
            if isinstance(head, Function) and head.name in _PREDEFINED and place < len(commands) - 1:
                raise _error(source, offset, f"{head.name} must be the last of a pipeline in HTML")
        last = commands[-1][0]
        if isinstance(last, Function) and last.name in _PREDEFINED:
            # What the template has escaped itself is not escaped again, but in its order among the others.
            known = [name for name in names if _EQUIVALENT.get(name) == last.name]
            if known and len(commands) > 1:
                commands.pop()
                names = [last.name if name in known else name for name in names]
            elif known:
                names = [name for name in names if name not in known]
        commands += [(Function(name, offset),) for name in names]
        pipeline = Pipeline(tuple(commands), offset)
        if context.place is Place.URL and context.url is UrlPart.START:
            context = replace(context, url=UrlPart.PATH)
        return replace(node, pipeline=pipeline), context

    @staticmethod
    def _escapers(source: Definition, offset: int, context: Context) -> list[str]:
        match context.place:
            case Place.TEXT:
                return ["_text"]
            case Place.TITLE:
                return ["_title"]
            case Place.COMMENT:
                return ["_nothing"]
            case Place.ATTRIBUTE:
                return ["_attribute"]
            case Place.URL if context.url is UrlPart.UNKNOWN:
                raise _error(source, offset, "a value follows branches that end in different parts of a URL")
            case Place.URL:
                first = ["_filter_url"] if context.url is UrlPart.START else []
                rest = "_escape_url" if context.url is UrlPart.QUERY else "_normalize_url"
                return [*first, rest, "_attribute"]
        raise _error(
            source,
            offset,
            f"a value in {context.place.value} is not supported; put it into text or a quoted attribute",
        )

    def _branch(self, source: Definition, node: Branch, context: Context) -> tuple[Node, Context]:
        body, after = self.nodes(source, node.body, context)
        otherwise, other = self.nodes(source, node.otherwise, context)
        end = _joined(after, other)
        if end is None:
            raise _error(
                source, node.offset, f"{{{{{node.kind}}}}} branches end in different places of the HTML"
            )
        if node.kind == "range" and (end := _joined(end, context)) is None:
            raise _error(source, node.offset, "{{range}} ends in another place of the HTML than it begins in")
        return replace(node, body=body, otherwise=otherwise), end

    def _call(self, source: Definition, node: Call, context: Context) -> tuple[Node, Context]:
        called = self._definitions.get(node.name)
        if called is None:
            raise _error(source, node.offset, f'template "{node.name}" not defined; check its name')
        name = f"{node.name}${context}"
        if name not in self._ends:
            self._ends[name] = context  # of a template that calls itself, what is most likely
            nodes, end = self.nodes(called, called.nodes, context)
            self._ends[name] = end
            self.derived[name] = replace(called, nodes=nodes)
        return replace(node, name=name), self._ends[name]


def _error(source: Definition, offset: int, message: str) -> TemplateError:
    return error_at(source.text, source.file, offset, message)


def _joined(one: Context, other: Context) -> Context | None:
    if one == other:
        return one
    unknown = replace(one, url=UrlPart.UNKNOWN)
    return unknown if unknown == replace(other, url=UrlPart.UNKNOWN) else None


class _Scanner:
    """Follows a piece of HTML from one context to the next, and leaves out its comments."""

    def __init__(self, text: str, context: Context) -> None:
        self._text = text
        self._context = context
        self._kept: list[str] = []

    def scan(self) -> tuple[str, Context]:
        position = 0
        while position < len(self._text):
            match self._context.place:
                case Place.TEXT:
                    position = self._between_tags(position)
                case Place.TITLE | Place.STYLE | Place.SCRIPT if not self._context.quote:
                    position = self._content(position)
                case Place.TAG:
                    position = self._tag(position)
                case Place.COMMENT:
                    end = self._text.find("-->", position)
                    position = len(self._text) if end < 0 else end + 3
                    if end >= 0:
                        self._context = Context()
                case _:
                    position = self._value(position)
        return "".join(self._kept), self._context

    def _between_tags(self, position: int) -> int:
        found = _OPENING.search(self._text, position)
        end = len(self._text) if found is None else found.start()
        self._kept.append(_STRAY.sub("&lt;", self._text[position:end]))
        if found is None:
            return end
        if found[1] is None:
            self._context = Context(Place.COMMENT)
            return found.end()
        self._kept.append(found[0])
        closing = found[0].startswith("</")
        self._context = Context(Place.TAG, "" if closing else found[1].lower())
        return found.end()

    def _content(self, position: int) -> int:
        closing = re.compile(rf"</{self._context.element}(?=[>\s/])", re.IGNORECASE)
        found = closing.search(self._text, position)
        end = len(self._text) if found is None else found.start()
        content = self._text[position:end]
        if self._context.place is Place.TITLE:
            content = _STRAY.sub("&lt;", content)
        elif self._context.place is Place.STYLE:
            content = _CSS_COMMENT.sub(lambda css: css[1] or (" " if css[0][1] == "*" else ""), content)
        self._kept.append(content)
        if found is not None:
            self._context = Context()
        return end

    def _tag(self, position: int) -> int:
        found = _IN_TAG.match(self._text, position)
        if found is None:  # not well-formed: what follows is left as it is
            self._kept.append(self._text[position])
            return position + 1
        self._kept.append(found[0])
        element = self._context.element
        if found[1]:
            place = _BY_ELEMENT.get(element, Place.TEXT)
            self._context = Context(place, element if place is not Place.TEXT else "")
        elif found[3] in {'"', "'"}:
            self._context = Context(_place_of(found[2].lower()), element, found[3])
        return found.end()

    def _value(self, position: int) -> int:
        end = self._text.find(self._context.quote, position)
        value = self._text[position:] if end < 0 else self._text[position:end]
        if self._context.place is Place.URL and value:
            decoded = html.unescape(value)
            if "?" in decoded or "#" in decoded:
                self._context = replace(self._context, url=UrlPart.QUERY)
            elif self._context.url is UrlPart.START and value.strip():
                self._context = replace(self._context, url=UrlPart.PATH)
        if end < 0:
            self._kept.append(value)
            return len(self._text)
        self._kept.append(value + self._context.quote)
        self._context = Context(Place.TAG, self._context.element)
        return end + 1


def _place_of(name: str) -> Place:
    """Return what the value of an attribute is, by its name and in doubt the more dangerous."""
    if name.startswith("xmlns:"):
        return Place.URL
    name = name.removeprefix("data-") if name.startswith("data-") else name.rpartition(":")[2]
    if name == "style":
        return Place.STYLE
    if name in {"srcdoc", "srcset"} or name.startswith("on"):
        return Place.SCRIPT
    if name in _URLS or any(part in name for part in ("src", "uri", "url")):
        return Place.URL
    return Place.ATTRIBUTE
