"""Package: the Lambdas' zip, and every module of theirs imported from it."""

from __future__ import annotations

from phase import BUILD, Phase, python

PACK = """
import pathlib, sys
from contender.lambda_code import package
code = package(pathlib.Path.cwd())
path = pathlib.Path(sys.argv[1])
path.write_bytes(code.body)
print(f"{code.key}: {len(code.body):,} bytes")
"""
IMPORT = """
import importlib, pathlib, sys, zipfile
archive = sys.argv[1]
sys.path[:] = [archive, *(place for place in sys.path if place and pathlib.Path(place) != pathlib.Path.cwd())]
names = zipfile.ZipFile(archive).namelist()
handlers = [n[:-3].replace("/", ".") for n in names if n.startswith("contender/lambdas/") and n[-12:] != "/__init__.py"]
for name in handlers:
    module = importlib.import_module(name)
    assert module.__file__.startswith(archive), f"{name} comes from {module.__file__}"
print(f"{len(handlers)} modules of Lambdas import from the zip")
"""


def main() -> None:
    phase = Phase("package", "the Lambdas' code, as it is deployed")
    archive = str(BUILD / "lambdas.zip")
    BUILD.mkdir(exist_ok=True)
    with phase.step("zip"):
        python("-c", PACK, archive)
    with phase.step("imports"):
        python("-c", IMPORT, archive, env={"AWS_DEFAULT_REGION": "us-east-1"})
    phase.done()


if __name__ == "__main__":
    main()
