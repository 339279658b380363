"""Deploy: the stacks that contender.yaml wants, brought to what this commit says."""

from __future__ import annotations

from phase import Phase, contender


def main() -> None:
    phase = Phase("deploy", "the stacks, on whichever AWS the environment names")
    with phase.step("stacks"):
        contender("deploy")
    phase.done()


if __name__ == "__main__":
    main()
