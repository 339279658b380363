"""Where the project is pushed to, and which branch is delivered."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from contender.config.sections.section import Section, shaped

CONNECTED = ("GitHub", "GitLab", "Bitbucket")

Branch = Annotated[str, shaped(r"(?!-)[\w./-]{1,200}(?<![./])", "the name of a branch, like main")]
ConnectionArn = Annotated[
    str,
    shaped(
        r"|arn:aws[a-z-]*:(codeconnections|codestar-connections):[a-z0-9-]+:\d{12}:connection/[0-9a-f-]{36}",
        "the ARN of a connection",
    ),
]


class Delivery(Section):
    """What a push to one branch does: docs/delivery.md."""

    branch: Branch = "main"
    """The one whose pushes are built and deployed."""
    provider: Literal["GitHub", "GitLab", "Bitbucket", "CodeCommit"] = "GitHub"
    """Who keeps the repository that AWS is to watch."""
    repository: str = Field(default="", max_length=200, pattern=r"^[\w.-]*(/[\w.-]+)*$")
    """Its name there: owner/name, or CodeCommit's name alone. Only `contender deploy delivery` needs it."""
    connection_arn: ConnectionArn = ""
    """A connection to the provider that is there already; empty: the stack makes one, which a person completes."""

    @model_validator(mode="after")
    def _the_repository_is_the_providers(self) -> Delivery:
        if self.repository and ("/" in self.repository) != (self.provider in CONNECTED):
            shape = "owner/name" if self.provider in CONNECTED else "a name without /"
            raise ValueError(f"repository {self.repository!r} is none of {self.provider}'s: it has {shape}")
        if self.connection_arn and self.provider not in CONNECTED:
            raise ValueError(f"connection_arn is for {', '.join(CONNECTED)}: take it out")
        return self
