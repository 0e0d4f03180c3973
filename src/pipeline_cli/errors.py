"""The exceptions a user may see, and the exit codes of the command.

    PipelineCliError
    ├── UsageError              2   the command line asks for what is not there
    ├── ManifestError           2   pipelines.yaml is wrong; carries every mistake, each with its place
    ├── StepError               1   a step cannot go on; what is loaded stays loaded
    │   ├── SourceError         1   a source is down, or answers with something that is not data
    │   ├── LoadError           1   a destination refuses
    │   ├── TransformError      1   SQLMesh or dbt refuses
    │   └── ReportError         1   a report cannot be written; the edition before it stays
    ├── ChecksFailed            4   checks or quarantine limits failed
    ├── Unplanned               10  a protected environment, and changes that no applied plan holds
    └── Busy                    75  another process holds the pipeline or the DuckDB file

Anything else that reaches `main` is a bug of ours: exit code 3, with the log's path.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

EXIT_DONE = 0
EXIT_STEP_FAILED = 1
EXIT_USAGE = 2
EXIT_BUG = 3
EXIT_CHECKS_FAILED = 4
EXIT_CHANGES = 10
EXIT_BUSY = 75
EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong, where it stands (1-based line and column), and what to do about it."""

    code: str
    message: str
    hint: str | None = None
    file: str | None = None
    line: int | None = None
    column: int | None = None
    source_line: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The error object of the run document, without the source line."""
        fields = asdict(self)
        del fields["source_line"]
        return fields


class PipelineCliError(Exception):
    """Base of all expected errors. `code` is stable (E…); `hint` says what to do next.

    transient: whether the same may succeed the next time, where its raiser knows that it may.
    """

    exit_code = EXIT_STEP_FAILED
    code = "E000"
    transient = False

    def __init__(self, message: str, *, code: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.hint = hint

    @property
    def mistakes(self) -> tuple[Mistake, ...]:
        """This error as the mistakes it stands for; one, unless it is a ManifestError."""
        return (Mistake(self.code, self.message, self.hint),)


class UsageError(PipelineCliError):
    exit_code = EXIT_USAGE
    code = "E001"


class ManifestError(PipelineCliError):
    """Every mistake found in the manifest, in the order of file and line."""

    exit_code = EXIT_USAGE
    code = "E100"

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        count = len(mistakes)
        super().__init__(f"the manifest has {count} mistake{'' if count == 1 else 's'}")
        self._mistakes = mistakes

    @property
    def mistakes(self) -> tuple[Mistake, ...]:
        return self._mistakes


class StepError(PipelineCliError):
    code = "E300"


class SourceError(StepError):
    code = "E310"


class LoadError(StepError):
    code = "E320"


class TransformError(StepError):
    """`file` (relative to the project), `line` and `column` where the engine tells them."""

    code = "E330"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        hint: str | None = None,
        file: str | None = None,
        line: int | None = None,
        column: int | None = None,
    ) -> None:
        super().__init__(message, code=code, hint=hint)
        self._place = {"file": file, "line": line, "column": column}

    @property
    def mistakes(self) -> tuple[Mistake, ...]:
        return (Mistake(self.code, self.message, self.hint, **self._place),)  # type: ignore[arg-type]


class ReportError(StepError):
    code = "E350"


class ChecksFailed(PipelineCliError):  # noqa: N818 - it is the state of the data, not a fault of the program
    exit_code = EXIT_CHECKS_FAILED
    code = "E400"


class Unplanned(PipelineCliError):  # noqa: N818 - as above
    exit_code = EXIT_CHANGES
    code = "E025"


class Busy(PipelineCliError):  # noqa: N818 - as above
    exit_code = EXIT_BUSY
    code = "E750"


def causes_of(error: BaseException) -> Iterator[BaseException]:
    """The error, and what it was raised from; `from None` hides that from people only."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__
