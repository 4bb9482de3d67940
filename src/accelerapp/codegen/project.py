"""What a generation yields: the files of a project."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

#: Relative, at most two folders deep, of harmless characters and without `..`.
ProjectPath = Annotated[
    str,
    StringConstraints(
        pattern=r"^(?:[A-Za-z0-9_-]+/){0,2}[A-Za-z0-9_-]+\.(?:py|md|txt|json|ino|h|cpp)$", max_length=100
    ),
]


class ProjectFile(BaseModel):
    """One text file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: ProjectPath
    content: Annotated[str, StringConstraints(max_length=200_000)]


class Project(BaseModel):
    """All files, to be copied to the board as they are."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    files: Annotated[list[ProjectFile], Field(min_length=1, max_length=60)]
