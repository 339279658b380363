"""The dependency rules, read from the syntax tree: who may import whom, and that importing does nothing."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PRODUCT = ("contender", "pipelines", "steps")
LAMBDA_PARTS = (
    "lambdas",
    "rollout",
    "api",
    "experiments",
    "measurements",
    "scoring",
    "batch",
    "registry",
    "stages",
    "endpoints",
    "baselines",
    "candidates",
    "warm_start",
    "naming",
    "errors",
    "executions",
    "s3_object",
    "scaling",
    "evaluation",
    "evaluation_shape",
    "trials",
    "watching",
)
PURE = (
    *(
        f"contender/rollout/{name}.py"
        for name in (
            *("spec", "state", "observation", "decision", "documents", "decide", "draft", "moves", "commands"),
            *(
                "entering",
                "serving",
                "progress",
                "judging",
                "shares",
                "view",
                "plan",
                "renewal",
                "evidence",
                "replay",
                "story",
            ),
        )
    ),
    "contender/experiments",
    "contender/cost",
    *(
        f"contender/watching/{name}.py"
        for name in ("wishes", "view", "actions", "definitions", "alarms", "plan", "stalled")
    ),
)
ASKS_AWS, ANSWERS_BROWSERS = {"boto3", "botocore"}, {"starlette", "jinja2"}
ROOMS_OF_THE_PAGE: dict[str, tuple[tuple[str, ...], set[str]]] = {
    "charts": (("formats", "states"), set()),
    "reports": (("charts", "formats"), set()),
    "reading": (("reports", "desk", "gaps", "kept", "refusals"), ASKS_AWS),
    "views": (("reading", "charts", "formats", "states"), set()),
    "actions": (("reading", "acting", "desk", "query"), ASKS_AWS | ANSWERS_BROWSERS),
    "pages": (
        ("actions", "reading", "views", "charts", "reports", "desk", "formats", "gaps", "query", "rendering", "states"),
        ANSWERS_BROWSERS,
    ),
}
"""By room of contender/studio: what else of the page it imports, and which libraries of these."""
IMPURE_MODULES = {"boto3", "botocore", "os", "time", "secrets"}


def modules(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def imports(path: Path) -> set[str]:
    """Dotted names of everything the module imports, wherever in the file."""
    found: set[str] = set()
    package = list(path.relative_to(ROOT).with_suffix("").parts[:-1])
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            found |= {module} | {f"{module}.{alias.name}" for alias in node.names}
    return found


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def label(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", modules("contender"), ids=label)
def test_contender_imports_neither_pipelines_nor_steps(path: Path) -> None:
    assert not {name for name in imports(path) if within(name, "pipelines") or within(name, "steps")}


@pytest.mark.parametrize("path", modules("contender/local"), ids=label)
def test_local_sagemaker_does_not_import_the_product(path: Path) -> None:
    own = {name for name in imports(path) if within(name, "contender") and name != "contender"}
    assert not {name for name in own if not within(name, "contender.local")}


@pytest.mark.parametrize(
    "path",
    [path for path in modules(*PRODUCT) if not label(path).startswith(("contender/local", "contender/cli"))],
    ids=label,
)
def test_the_product_does_not_import_local_sagemaker(path: Path) -> None:
    assert not {name for name in imports(path) if within(name, "contender.local")}


@pytest.mark.parametrize(
    "path",
    [path for path in modules(*PRODUCT) if not label(path).startswith(("contender/studio", "contender/cli"))],
    ids=label,
)
def test_nothing_needs_the_page(path: Path) -> None:
    assert not {name for name in imports(path) if within(name, "contender.studio")}


@pytest.mark.parametrize(
    "path", [path for room in ROOMS_OF_THE_PAGE for path in modules(f"contender/studio/{room}")], ids=label
)
def test_a_room_of_the_page_knows_only_what_it_needs(path: Path) -> None:
    room = path.relative_to(ROOT / "contender/studio").parts[0]
    ours, foreign = ROOMS_OF_THE_PAGE[room]
    known = tuple(f"contender.studio.{each}" for each in (room, *ours))
    for name in imports(path):
        if within(name, "contender.studio") and name != "contender.studio":
            assert any(within(name, each) for each in known), f"{room} does not know {name}"
        assert name.partition(".")[0] not in ASKS_AWS | ANSWERS_BROWSERS or name.partition(".")[0] in foreign


@pytest.mark.parametrize("path", modules("contender/studio/pages", "contender/studio/views"), ids=label)
def test_pages_ask_aws_through_readings_only(path: Path) -> None:
    calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    assert not [call for call in calls if isinstance(call, ast.Attribute) and call.attr == "client"]


@pytest.mark.parametrize("path", [p for p in modules("steps") if p.name != "__init__.py"], ids=label)
def test_a_container_script_stands_alone(path: Path) -> None:
    names = imports(path)
    if any(within(name, "sagemaker") for name in names):
        return  # it builds the step; it does not run in the container
    if path.parent.parent.name == "steps":
        assert not {name for name in names for package in PRODUCT if within(name, package)}


@pytest.mark.parametrize(
    "path",
    [
        path
        for part in LAMBDA_PARTS
        for path in [*modules(f"contender/{part}"), ROOT / f"contender/{part}.py"]
        if path.exists()
    ],
    ids=label,
)
def test_lambda_code_needs_only_the_standard_library_and_boto3(path: Path) -> None:
    allowed = set(sys.stdlib_module_names) | {"boto3", "botocore"}
    for name in imports(path):
        top = name.partition(".")[0]
        if top == "contender":
            assert name == "contender" or name.split(".")[1] in LAMBDA_PARTS, f"{name} is not Lambda code"
        else:
            assert top in allowed, f"{name} is not in a Lambda"


@pytest.mark.parametrize("path", [p for p in modules("contender") if label(p).startswith(PURE)], ids=label)
def test_decisions_are_pure(path: Path) -> None:
    assert not {name.partition(".")[0] for name in imports(path)} & IMPURE_MODULES


@pytest.mark.parametrize("path", modules(*PRODUCT), ids=label)
def test_importing_a_module_has_no_side_effects(path: Path) -> None:
    """No client, environment, clock or file is touched at module level (`__main__` blocks excepted)."""
    for statement in ast.parse(path.read_text()).body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom):
            continue
        if isinstance(statement, ast.If) and "__main__" in ast.unparse(statement.test):
            continue
        for node in ast.walk(statement):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                assert called.split(".")[-1] not in {
                    "client",
                    "resource",
                    "Session",
                    "getenv",
                    "now",
                    "utcnow",
                    "today",
                    "open",
                    "read_text",
                    "mkdir",
                    "urlopen",
                }, f"{label(path)}:{node.lineno} calls {called} at import"
                assert not called.startswith("os.environ"), (
                    f"{label(path)}:{node.lineno} reads the environment at import"
                )


@pytest.mark.parametrize("path", modules(*PRODUCT), ids=label)
def test_a_module_opens_with_its_purpose(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree), f"{label(path)} has no docstring"
