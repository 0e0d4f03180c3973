"""The reference project: what `init` copies. It is the repository's own, byte for byte.

In the wheel it stands in `pipeline_cli/scaffold/`; an editable installation takes it from the repository.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

from pipeline_cli.errors import UsageError

# The reference project's top-level entries; pyproject.toml names the same ones for the wheel.
ENTRIES = ("pipelines.yaml", ".env.example", "sources", "destinations", "transforms", "reports", "plugins")

# What a project never commits, and `init` never copies.
IGNORED = (
    ".pipeline/",
    ".env",
    "__pycache__/",
    "*.pyc",
    "*.duckdb",
    "*.duckdb.wal",
    "*.db",
    "target/",
    "logs/",
    "dbt_packages/",
    ".user.yml",
    ".cache/",
    # Written by runs, for the plain dbt and sqlmesh commands.
    "transforms/*/profiles.yml",
    "transforms/*/external_models.yaml",
)
GITIGNORE = ".gitignore"


def scaffold_root() -> Path:
    """The folder of the reference project. Raises UsageError when the installation has none."""
    repository = Path(__file__).parents[2]
    for folder in (Path(__file__).parent / "scaffold", repository):
        if (folder / "pipelines.yaml").is_file():
            return folder
    raise UsageError("This installation holds no reference project.", hint="Install pipeline-cli again.")


def scaffold_files(root: Path) -> list[Path]:
    """The reference project's files below `root`, relative to it and sorted."""
    return sorted(path for entry in ENTRIES for path in _walk(root, Path(entry)))


def copy_scaffold(target: Path) -> list[Path]:
    """Copy the reference project into `target`, which may exist, and write its .gitignore.

    Returns the files written, relative to `target`. Nothing is overwritten: raises UsageError, with nothing
    written, when any of the files is there already; UsageError where the folder cannot be written.
    """
    root = scaffold_root()
    files = scaffold_files(root)
    _refuse_to_overwrite(target, [*files, Path(GITIGNORE)])
    try:
        for file in files:
            (target / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / file, target / file)
        (target / GITIGNORE).write_text("\n".join(IGNORED) + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"The project cannot be written in {target}: {error.strerror or error}.",
            code="E013",
            hint="Take a folder that this user may write in.",
        ) from error
    return [*files, Path(GITIGNORE)]


def _refuse_to_overwrite(target: Path, files: list[Path]) -> None:
    if target.exists() and not target.is_dir():
        raise UsageError(f"{target} is a file, not a folder.")
    existing = [str(file) for file in files if (target / file).exists() or (target / file).is_symlink()]
    if existing:
        shown = ", ".join(existing[:5]) + (f" and {len(existing) - 5} more" if len(existing) > 5 else "")
        raise UsageError(f"{target} already has {shown}.", hint="Nothing was written. Take another folder.")


def _walk(root: Path, path: Path) -> Iterator[Path]:
    """The files at or below `path` (relative to `root`) that a project commits."""
    if _is_ignored(path):
        return
    if (root / path).is_dir():
        for child in (root / path).iterdir():
            yield from _walk(root, path / child.name)
    elif (root / path).is_file():
        yield path


def _is_ignored(path: Path) -> bool:
    """As git reads IGNORED: a pattern with a slash inside is for the whole path, others for the name."""
    for pattern in (entry.rstrip("/") for entry in IGNORED):
        if fnmatch(str(path) if "/" in pattern else path.name, pattern):
            return True
    return False
