"""Scripts of others: each is listed, with its licence beside it."""

from __future__ import annotations

from tests.conftest import REPOSITORY

VENDORED = REPOSITORY / "contender" / "studio" / "static" / "vendor"


def test_every_script_of_others_is_listed_with_its_licence_beside_it() -> None:
    listed = (VENDORED / "README.md").read_text(encoding="utf-8")
    scripts = sorted(VENDORED.glob("*.js"))
    assert scripts
    for script in scripts:
        assert f"| {script.name} |" in listed
        licence = VENDORED / (script.name.removesuffix(".js").removesuffix(".min") + ".LICENSE")
        assert licence.stat().st_size > 300
