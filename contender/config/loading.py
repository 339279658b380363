"""Settings of the file, the environment and flags together, or one line that says which of them is wrong."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from contender.config.nearest import nearest
from contender.config.sections import Section, Settings
from contender.errors import SettingsError

FILE = "contender.yaml"
ENVIRONMENT_PREFIX = "CONTENDER_"

MOVED = {
    "endpoint.challenger_share": "rollout.steps: its first share is a new challenger's",
    "endpoint.max_challengers": "rollout.max_challengers",
}
"""Settings that have another place now, and which."""


BOUNDS = {"min_length": "at least", "max_length": "at most"}


def load(
    path: Path | None = None,
    *,
    overrides: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Settings of the file at `path`, or of `contender.yaml` here if there is one, or the defaults.

    `overrides` are flags by path (`{"training.rounds": 50}`); one that is None was not given.
    Raises SettingsError: one line that names the key.
    """
    file = path or Path(FILE)
    if path is not None and not path.is_file():
        raise SettingsError(f"settings file {path} does not exist")
    values = _read(file) if file.is_file() else {}
    source = {key: str(file) for key in _paths(values)}
    environ = os.environ if environ is None else environ
    for key, variable, value in _from_environment(environ):
        _put(values, key, value)
        source[key] = variable
    if "region" not in values and (region := environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")):
        values["region"] = region
        source["region"] = "AWS_REGION"
    for key, value in (overrides or {}).items():
        if value is not None:
            _put(values, key, value)
            source[key] = f"flag {key}"
    for key, place in MOVED.items():
        if key in source:
            raise SettingsError(f"{source[key]}: {key} is now set in {place}")
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise SettingsError(_explain(error, source, str(file))) from error


def load_project(overrides: Mapping[str, Any] | None = None) -> Settings:
    """Settings of the project here. SettingsError where there is none: what a project is made of needs its own file."""
    if not Path(FILE).is_file():
        raise SettingsError(f"{Path.cwd()} holds no {FILE}: run this in the project's folder")
    return load(overrides=overrides)


def _read(path: Path) -> dict[str, Any]:
    try:
        content = _parse(path.read_text(encoding="utf-8"), str(path))
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} is not UTF-8 text: {error}") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise SettingsError(f"{path} must hold keys and values, like `project: contender`")
    return {key: value for key, value in content.items() if value is not None}


def _parse(text: str, place: str) -> Any:
    try:
        return yaml.load(text, Loader=_UniqueKeys)
    except yaml.YAMLError as error:
        raise SettingsError(f"{place} is not YAML: {' '.join(str(error).split())}") from error


class _UniqueKeys(yaml.SafeLoader):
    """YAML where a key that occurs twice is an error instead of the first one's silent loss."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.MarkedYAMLError(problem=f"key {key!r} occurs twice", problem_mark=key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


def _from_environment(environ: Mapping[str, str]) -> list[tuple[str, str, Any]]:
    """Path, variable and value of each setting the environment makes.

    A name that starts like a section but ends like none of its settings is a typo; other CONTENDER_ names
    (CONTENDER_HOME…) belong to other parts.
    """
    paths = {ENVIRONMENT_PREFIX + path.replace(".", "_").upper(): path for path in (*_settings_paths(), *MOVED)}
    sections = tuple(f"{ENVIRONMENT_PREFIX}{path.partition('.')[0].upper()}_" for path in paths.values() if "." in path)
    found = []
    for variable in sorted(environ):
        if variable in paths:
            found.append((paths[variable], variable, _parse(environ[variable], f"environment variable {variable}")))
        elif variable.startswith(sections):
            raise SettingsError(f"environment variable {variable} sets nothing{nearest(variable, paths)}")
    return found


def _settings_paths(section: type[BaseModel] = Settings, above: str = "") -> list[str]:
    """Path of every key; a section that may be absent is one itself, beside its keys."""
    paths = []
    for name, field in section.model_fields.items():
        inner = _section_in(field.annotation)
        if inner is None or inner is not field.annotation:
            paths.append(f"{above}{name}")
        if inner is not None and get_origin(field.annotation) in (None, UnionType):
            paths += _settings_paths(inner, f"{above}{name}.")
    return paths


def _section_in(annotation: Any) -> type[BaseModel] | None:
    """The section that an annotation is of, however wrapped: `Goal | None`, `tuple[Step, ...]`, `dict[str, Stage]`."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    return next((found for inner in get_args(annotation) if (found := _section_in(inner))), None)


def _paths(values: Mapping[str, Any], above: str = "") -> list[str]:
    paths = []
    for key, value in values.items():
        paths.append(f"{above}{key}")
        if isinstance(value, Mapping):
            paths += _paths(value, f"{above}{key}.")
    return paths


def _put(values: dict[str, Any], path: str, value: Any) -> None:
    *sections, name = path.split(".")
    for section in sections:
        inner = values.get(section)
        values[section] = dict(inner) if isinstance(inner, Mapping) else {}
        values = values[section]
    values[name] = value


def _explain(error: ValidationError, source: Mapping[str, str], file: str) -> str:
    """The first thing that is wrong, on one line."""
    first = error.errors(include_url=False)[0]
    location = [str(part) for part in first["loc"] if part not in ("int", "float", "str")]
    key = ".".join(location)
    where = source.get(key) or next((source[path] for path in _upwards(location) if path in source), file)
    if first["type"] == "extra_forbidden":
        known = _known_keys(location[:-1])
        return f"{where}: unknown key {key!r}{nearest(location[-1], known)}"
    reason = re.sub(r"^(Value error, |Input )", "", first["msg"]).replace("valid tuple", "list")
    if first["type"] in ("too_short", "too_long"):
        bound, allowed = next(item for item in first["ctx"].items() if item[0] in BOUNDS)
        items = "item" if allowed == 1 else "items"
        return f"{where}: {key} should have {BOUNDS[bound]} {allowed} {items}, not {first['ctx']['actual_length']}"
    if first["type"] in ("model_type", "dict_type"):
        reason = "should hold keys and values"
    if first["type"] == "value_error":
        link = " " if reason.startswith(("should ", "cannot ")) else "." if key else ""
        return f"{where}: {key}{link}{reason}"
    if location[-1] == "[key]":
        *above, name, _ = location
        return f"{where}: {'.'.join(above)} cannot have the key {name!r}: {reason[0].lower()}{reason[1:]}"
    if first["type"] == "string_type" and isinstance(first["input"], (int, float)):
        return f"{where}: {key} should be text, not {first['input']!r}: write it in quotes, as the data spells it"
    return f"{where}: {key} {reason[0].lower()}{reason[1:]}, not {first['input']!r}"


def _upwards(location: list[str]) -> list[str]:
    return [".".join(location[:end]) for end in range(len(location), 0, -1)]


def _known_keys(location: list[str]) -> list[str]:
    """Keys that the section at this place has; a number or a name inside a list or mapping is no section's."""
    section: type[BaseModel] = Settings
    for part in location:
        if part in section.model_fields:
            section = _section_in(section.model_fields[part].annotation) or section
    return list(section.model_fields)
