"""The parameters of an estimator as options, described by the docstring of its class."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import click

import aecore
from aecore._checks.near_misses import nearest
from aecore._checks.rules import check_params
from aecore._names import ON_COMMAND_LINE
from aecore.cli._values import Value, words_of

# Functions of Python, for which there are no words; `verbose` is what --quiet is about.
_LEFT_OUT = ("callbacks", "beta_schedule", "verbose")
_SECTION = re.compile(r"^(\w[\w ]*)\n-+\n", re.MULTILINE)
_ENTRY = re.compile(r"^(\w+(?:, \w+)*) : (.+)$", re.MULTILINE)
_DEFAULT = re.compile(r",?\s*default=.*$", re.DOTALL)
_SENTENCE = re.compile(r"^.*?[.](?=\s|$)", re.DOTALL)


class Described(NamedTuple):
    """What a docstring says of a parameter."""

    kind: str
    text: str


def class_of(word: str) -> type[Any]:
    """Find the estimator with a word of the command line."""
    kind: type[Any] = getattr(aecore, ON_COMMAND_LINE[word])
    return kind


class EstimatorName(click.ParamType):  # type: ignore[type-arg]
    """The word of an estimator, or the name of its class; capitals and hyphens do not count."""

    name = "name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Find the word."""
        known = {_plain(word): word for word in ON_COMMAND_LINE}
        known |= {_plain(name): word for word, name in ON_COMMAND_LINE.items()}
        if _plain(str(value)) not in known:
            meant = nearest(str(value), [*ON_COMMAND_LINE, *ON_COMMAND_LINE.values()])
            hint = "" if meant is None else f": did you mean {meant}?"
            self.fail(f"must be one of {', '.join(ON_COMMAND_LINE)}; got {value}{hint}", param, ctx)
        return known[_plain(str(value))]


def _plain(name: str) -> str:
    return re.sub(r"[-_ ]", "", name).lower()


def names_of(word: str) -> list[str]:
    """List the parameters of an estimator that are options."""
    return [name for name in inspect.signature(class_of(word)).parameters if name not in _LEFT_OUT]


def options_of(word: str) -> list[click.Option]:
    """Make an option of every parameter of an estimator."""
    kind = class_of(word)
    said = described(kind)
    defaults = inspect.signature(kind).parameters
    return [
        click.Option(
            [f"--{name.replace('_', '-')}", name],
            type=Value(),
            metavar="VALUE",
            help=_help(said[name], defaults[name].default),
        )
        for name in names_of(word)
    ]


def having(name: str) -> list[str]:
    """Find the estimators with a parameter of that name."""
    return [word for word in ON_COMMAND_LINE if name in names_of(word)]


def described(kind: type[Any]) -> dict[str, Described]:
    """Read what the docstring of a class says of its parameters.

    A parameter that is described "as in `Autoencoder`", or not at all, is described there.
    """
    found: dict[str, Described] = {}
    for each in (kind, aecore.Autoencoder):
        for name, said in _entries(each):
            known = found.get(name)
            if known is None or not known.text or known.text.startswith("As in `Autoencoder`"):
                found[name] = said if said.text or known is None else known
    return found


def _entries(kind: type[Any]) -> Iterable[tuple[str, Described]]:
    text = inspect.cleandoc(kind.__doc__ or "")
    sections = _SECTION.split(text)
    section = sections[sections.index("Parameters") + 1]
    parts = _ENTRY.split(section)[1:]
    for names, type_, text in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        for name in names.split(", "):
            yield name, Described(_DEFAULT.sub("", type_), inspect.cleandoc(text).strip())


def first_sentence(text: str) -> str:
    """Take the first sentence of a docstring's text, without its marks of references and code."""
    plain = re.sub(r" ?\[\d+\]_", "", " ".join(text.split())).replace("`", "")
    found = _SENTENCE.match(plain)
    return (plain if found is None else found[0]).rstrip(".")


def _help(said: Described, default: Any) -> str:
    choices = re.findall(r'"([^"]+)"', said.kind) if said.kind.startswith("{") else []
    extra = [f"one of {', '.join(choices)}"] if choices else []
    extra.append(f"default: {words_of(default)}")
    return f"{first_sentence(said.text)}  [{'; '.join(extra)}]".strip()


def check(estimator: Any) -> None:
    """Raise ValueError where a parameter breaks its rule: before rows are read, not after."""
    may_be_none = getattr(type(estimator), "_sized_from_data", ())
    check_params(estimator.get_params(deep=False), may_be_none=may_be_none)


def as_typed(message: str, typed: Mapping[str, str]) -> str:
    """Say the library's sentence about a parameter with what it is called where it was given."""
    name = message.partition(" ")[0]
    return message.replace(name, typed[name], 1) if name in typed else message
