"""Tokens into nodes, with the checks that Go's text/template makes when it parses."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from accelerapp.server.gotemplate.errors import TemplateError
from accelerapp.server.gotemplate.lexer import Kind, Lexer, Token
from accelerapp.server.gotemplate.nodes import (
    Access,
    Action,
    Branch,
    Call,
    Function,
    Jump,
    Literal,
    Node,
    Operand,
    Pipeline,
    Text,
    Variable,
)

MAX_NESTING: Final = 100


class Parser:
    """Parses one template and the templates that it defines; raises TemplateError."""

    def __init__(
        self,
        text: str,
        name: str,
        functions: Collection[str],
        unsupported: Mapping[str, str],
        variables: Collection[str],
    ) -> None:
        self._lexer = Lexer(text, name)
        self._tokens = list(self._lexer.tokens())
        self._position = 0
        self._functions = functions
        self._unsupported = unsupported
        self._variables = ["$", *(f"${variable}" for variable in variables)]
        self._loops = 0
        self._nesting = 0
        self.definitions: dict[str, tuple[Node, ...]] = {}
        self.calls: list[Call] = []

    def parse(self) -> tuple[Node, ...]:
        nodes, closing = self._list()
        if closing is not None:
            raise self._error(
                closing, f"unexpected {{{{{closing.value}}}}}; there is nothing here for it to close"
            )
        return nodes

    # Tokens

    def _error(self, token: Token, message: str) -> TemplateError:
        return self._lexer.error(token.offset, message)

    def _next(self) -> Token:
        token = self._tokens[self._position]
        if token.kind is not Kind.END:
            self._position += 1
        return token

    def _peek(self) -> Token:
        """Return the next token that is no space, having passed over the space."""
        while self._tokens[self._position].kind is Kind.SPACE:
            self._position += 1
        return self._tokens[self._position]

    def _take(self) -> Token:
        self._peek()
        return self._next()

    def _expect(self, kind: Kind, context: str) -> Token:
        token = self._take()
        if token.kind is not kind:
            found = token.value or token.kind.value
            raise self._error(token, f"unexpected {found!r} in {context}; expected {kind.value}")
        return token

    # Statements

    def _list(self) -> tuple[tuple[Node, ...], Token | None]:
        """Read nodes up to `{{end}}`, `{{else …}}` or the end; return them and the keyword that ended them."""
        nodes: list[Node] = []
        while (token := self._next()).kind is not Kind.END:
            if token.kind is Kind.TEXT:
                nodes.append(Text(token.value))
                continue
            word = self._peek()
            if word.kind is Kind.KEYWORD and word.value in {"end", "else"}:
                self._next()
                if word.value == "end":
                    self._expect(Kind.CLOSE, "end")
                return tuple(nodes), word
            node = self._statement(word)
            if node is not None:
                nodes.append(node)
        return tuple(nodes), None

    def _statement(self, word: Token) -> Node | None:
        if word.kind is not Kind.KEYWORD or word.value == "nil":
            action = self._action("command")
            self._expect(Kind.CLOSE, "command")
            return action
        self._next()
        if word.value in {"if", "with", "range"}:
            return self._branch(word)
        if word.value == "define":
            self._define(word)
            return None
        if word.value == "block":
            return self._block(word)
        if word.value == "template":
            return self._call(word)
        if self._loops == 0:
            raise self._error(word, f"{{{{{word.value}}}}} outside {{{{range}}}}")
        self._expect(Kind.CLOSE, word.value)
        return Jump(word.value)

    def _branch(self, word: Token) -> Branch:
        self._nesting += 1
        if self._nesting > MAX_NESTING:
            raise self._error(word, f"nested more than {MAX_NESTING} levels deep; simplify the template")
        known = len(self._variables)
        action = self._action(word.value)
        self._expect(Kind.CLOSE, word.value)
        self._loops += word.value == "range"
        body, closing = self._list()
        self._loops -= word.value == "range"
        otherwise: tuple[Node, ...] = ()
        if closing is not None and closing.value == "else":
            otherwise, closing = self._else(word)
        if closing is None:
            raise self._error(word, f"{{{{{word.value}}}}} is not closed; add {{{{end}}}}")
        del self._variables[known:]
        self._nesting -= 1
        return Branch(word.value, action, body, otherwise, word.offset)

    def _else(self, opening: Token) -> tuple[tuple[Node, ...], Token | None]:
        follows = self._peek()
        if (
            follows.kind is Kind.KEYWORD
            and follows.value == opening.value
            and opening.value in {"if", "with"}
        ):
            # `{{else if}}` shares its {{end}} with the {{if}} around it.
            self._next()
            return (self._branch(follows),), follows
        self._expect(Kind.CLOSE, "else")
        nodes, closing = self._list()
        if closing is not None and closing.value == "else":
            raise self._error(closing, "a second {{else}}; only one may follow")
        return nodes, closing

    def _body(self, word: Token) -> tuple[Node, ...]:
        # A definition sees none of the variables around it.
        outside, self._variables = self._variables, ["$"]
        loops, self._loops = self._loops, 0
        nodes, closing = self._list()
        self._variables, self._loops = outside, loops
        if closing is None or closing.value != "end":
            raise self._error(word, f"{{{{{word.value}}}}} is not closed; add {{{{end}}}}")
        return nodes

    def _define(self, word: Token) -> None:
        name = self._lexer.unquote(self._expect(Kind.STRING, "define"))
        self._expect(Kind.CLOSE, "define")
        self.definitions[name] = self._body(word)

    def _block(self, word: Token) -> Call:
        name = self._lexer.unquote(self._expect(Kind.STRING, "block"))
        argument = self._pipeline("block")
        self._expect(Kind.CLOSE, "block")
        self.definitions[name] = self._body(word)
        return Call(name, argument, word.offset)

    def _call(self, word: Token) -> Call:
        name = self._lexer.unquote(self._expect(Kind.STRING, "template"))
        argument = None if self._peek().kind is Kind.CLOSE else self._pipeline("template")
        self._expect(Kind.CLOSE, "template")
        self.calls.append(Call(name, argument, word.offset))
        return self.calls[-1]

    # Pipelines

    def _action(self, context: str) -> Action:
        """Read a pipeline, with the declaration or assignment before it where there is one."""
        start = self._position
        variables: list[str] = []
        while (token := self._peek()).kind is Kind.VARIABLE:
            self._next()
            variables.append(token.value)
            operator = self._peek()
            if operator.value == "," and context == "range" and len(variables) == 1:
                self._next()
                continue
            if operator.kind is Kind.OPERATOR and operator.value in {":=", "="}:
                self._next()
                declares = operator.value == ":="
                if not declares:
                    self._known(token)
                pipeline = self._pipeline(context)
                if declares:
                    self._variables.extend(variables)
                return Action(pipeline, tuple(variables), declares)
            break
        self._position = start
        return Action(self._pipeline(context), (), declares=False)

    def _known(self, token: Token) -> None:
        if token.value not in self._variables:
            raise self._error(token, f"undefined variable {token.value}; declare it first with :=")

    def _pipeline(self, context: str) -> Pipeline:
        commands: list[tuple[Operand, ...]] = []
        first = self._peek()
        while True:
            start = self._peek()
            command = self._command()
            if not command:
                what = "missing value" if not commands else "nothing follows |"
                raise self._error(start, f"{what} in {context}; give a value or a function")
            if commands and isinstance(command[0], (Literal, Variable)):
                raise self._error(start, f"{start.value} cannot receive what is piped to it; name a function")
            commands.append(command)
            if self._peek().value != "|" or self._peek().kind is not Kind.OPERATOR:
                return Pipeline(tuple(commands), first.offset)
            self._next()

    def _command(self) -> tuple[Operand, ...]:
        operands: list[Operand] = []
        while (operand := self._operand()) is not None:
            operands.append(operand)
            token = self._tokens[self._position]
            ends = token.kind is Kind.CLOSE or (token.kind is Kind.OPERATOR and token.value in {"|", ")"})
            if token.kind is not Kind.SPACE and not ends:
                found = token.value or token.kind.value
                raise self._error(
                    token, f"unexpected {found!r} after an operand; separate operands by spaces"
                )
        return tuple(operands)

    def _operand(self) -> Operand | None:
        token = self._peek()
        if token.kind is Kind.IDENTIFIER:
            self._check_function(token)
            self._next()
            return Function(token.value, token.offset)
        if token.kind in {Kind.STRING, Kind.NUMBER, Kind.BOOL}:
            self._next()
            return Literal(self._constant(token), token.offset)
        if token.kind is Kind.KEYWORD and token.value == "nil":
            self._next()
            return Literal(None, token.offset)
        base: Variable | Pipeline | None = None
        if token.kind is Kind.VARIABLE:
            self._known(token)
            self._next()
            base = Variable(token.value, token.offset)
        elif token.kind is Kind.OPERATOR and token.value == "(":
            base = self._parenthesised(token)
        elif token.kind is Kind.DOT:
            self._next()
            return Access(None, (), token.offset)
        elif token.kind is not Kind.FIELD:
            return None
        names: list[str] = []
        while self._tokens[self._position].kind is Kind.FIELD:
            names.append(self._next().value[1:])
        if base is not None and not names:
            return base
        return Access(base, tuple(names), token.offset)

    def _parenthesised(self, token: Token) -> Pipeline:
        self._nesting += 1
        if self._nesting > MAX_NESTING:
            raise self._error(token, f"nested more than {MAX_NESTING} levels deep; simplify the template")
        self._next()
        pipeline = self._pipeline("parentheses")
        closing = self._take()
        if closing.value != ")" or closing.kind is not Kind.OPERATOR:
            raise self._error(token, "the parenthesis is not closed; add )")
        self._nesting -= 1
        return pipeline

    def _check_function(self, token: Token) -> None:
        if token.value in self._unsupported:
            raise self._error(
                token, f"the function {token.value} is not supported: {self._unsupported[token.value]}"
            )
        if token.value not in self._functions:
            raise self._error(token, f'function "{token.value}" not defined; check its name')

    def _constant(self, token: Token) -> str | int | float | bool:
        if token.kind is Kind.STRING:
            return self._lexer.unquote(token)
        if token.kind is Kind.BOOL:
            return token.value == "true"
        try:
            return int(token.value, 0)
        except ValueError:
            pass
        try:
            return float(token.value)
        except ValueError as error:
            raise self._error(token, f"{token.value} is not a number") from error
