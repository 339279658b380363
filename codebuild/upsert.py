"""Upsert: say in words what changes in the pipelines, make it so, and show the version that records it."""

from __future__ import annotations

from phase import Phase, contender


def main() -> None:
    phase = Phase("upsert", "the pipelines' definitions, as new versions that name the commit")
    with phase.step("upsert"):
        contender("pipeline", "upsert")
    with phase.step("history"):
        contender("pipeline", "history", "--last", "3")
    phase.done()


if __name__ == "__main__":
    main()
