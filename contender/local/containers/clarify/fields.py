"""Reads a JSON object field by field, so that a slip in it is one clear line and never a silent default."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from contender.local.containers.clarify.errors import ClarifyError

Name = str | int
Value = str | int | float


class Fields:
    """One object of the configuration; `path` is what errors call it, "" for the whole file."""

    def __init__(self, given: Any, path: str = "") -> None:
        if not isinstance(given, dict):
            raise ClarifyError(f"analysis_config.json: {path or 'the file'} must be an object, not {given!r:.80}")
        self._given: Mapping[str, Any] = given
        self._path = path
        self._known: list[str] = []

    def text(self, name: str) -> str | None:
        value: str | None = self._of(name, str, "a text")
        return value

    def number(self, name: str) -> float | None:
        value = self._of(name, (int, float), "a number")
        return None if value is None else float(value)

    def integer(self, name: str, minimum: int) -> int | None:
        value: int | None = self._of(name, int, "a whole number")
        if value is not None and value < minimum:
            raise self.error(name, f"must be at least {minimum}, not {value}")
        return value

    def boolean(self, name: str, default: bool) -> bool:
        value = self._of(name, bool, "true or false")
        return default if value is None else value

    def choice(self, name: str, choices: Sequence[str]) -> str | None:
        value = self.text(name)
        if value is not None and value.lower() not in choices:
            raise self.error(name, f"must be one of {', '.join(choices)}, not {value!r}")
        return None if value is None else value.lower()

    def name_or_index(self, name: str) -> Name | None:
        value: Name | None = self._of(name, (str, int), "a column's name or index")
        return value

    def names(self, name: str) -> tuple[Name, ...] | None:
        """A list of names or indices."""
        names: tuple[Name, ...] | None = self._list(name, (str, int), "a list of names or indices")
        return names

    def texts(self, name: str) -> tuple[str, ...] | None:
        texts: tuple[str, ...] | None = self._list(name, str, "a list of texts")
        return texts

    def values(self, name: str) -> tuple[Value, ...]:
        return self._list(name, (str, int, float), "a list of texts or numbers") or ()

    def anything(self, name: str) -> Any:
        self._known.append(name)
        return self._given.get(name)

    def section(self, name: str) -> Fields | None:
        value = self.anything(name)
        return None if value is None else Fields(value, self._at(name))

    def sections(self, name: str) -> list[Fields]:
        value = self.anything(name) or []
        if not isinstance(value, list):
            raise self.error(name, f"must be a list of objects, not {value!r:.80}")
        return [Fields(each, f"{self._at(name)}[{number}]") for number, each in enumerate(value)]

    def refuse(self, name: str, why: str) -> None:
        """For a field that AWS documents and this machine has no use for."""
        if self.anything(name) is not None:
            raise self.error(name, f"is not available on this machine: {why}")

    def ignore(self, *names: str) -> None:
        """For fields that mean something on AWS and nothing here, such as the endpoint's instance type."""
        self._known += names

    def finish(self) -> None:
        """Raises ClarifyError for a field that nobody has asked for."""
        for name in self._given:
            if name not in self._known:
                near = difflib.get_close_matches(name, self._known, 1)
                hint = f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(sorted(self._known))}"
                raise ClarifyError(f"analysis_config.json: unknown field {self._at(name)!r}{hint}")

    def error(self, name: str, problem: str) -> ClarifyError:
        return ClarifyError(f"analysis_config.json: {self._at(name)!r} {problem}")

    def _of(self, name: str, kind: Any, words: str) -> Any:
        value = self.anything(name)
        if value is not None and not _is(value, kind):
            raise self.error(name, f"must be {words}, not {value!r:.80}")
        return value

    def _list(self, name: str, kind: Any, words: str) -> Any:
        value = self.anything(name)
        if value is None:
            return None
        if not isinstance(value, list) or not all(_is(item, kind) for item in value):
            raise self.error(name, f"must be {words}, not {value!r:.80}")
        return tuple(value)

    def _at(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name


def _is(value: Any, kind: Any) -> bool:
    """As JSON sees it: true is no number."""
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
