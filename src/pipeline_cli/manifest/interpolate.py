"""`${env:NAME}` and `${env:NAME:-default}` in values. `$${` stands for a literal `${`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from pipeline_cli.manifest.findings import quoted
from pipeline_cli.secrets import looks_secret, mask, secret_paths, url_passwords

NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_TOKEN = re.compile(
    rf"\$\$\{{|\$\{{env:(?P<name>{NAME})(?::-(?P<default>[^}}]*))?\}}|(?P<bad>\$\{{[^}}]*\}}?)"
)
# A character that no text of a file has (it is refused on reading) stands for a variable's unknown value.
_UNKNOWN = "\ufeff"
# The whole value is one variable, without a default in plain text; a database file's address holds no secret.
_FILE_ADDRESS = r"(sqlite|duckdb):///[^?}]*"
SECRET_PATTERN = rf"(\$\{{env:{NAME}(:-({_FILE_ADDRESS})?)?\}}|{_FILE_ADDRESS})"
_SECRET = re.compile(SECRET_PATTERN)


class Filled:
    """A value, filled in; the variables `used` and `missing`, the placeholders that are `bad`."""

    __slots__ = ("bad", "missing", "text", "used")

    def __init__(self, text: str, used: list[str], missing: list[str], bad: list[str]) -> None:
        self.text = text
        self.used = used
        self.missing = missing
        self.bad = bad


class Variables:
    """The environment as the manifest sees it, and which of its values must never be shown."""

    def __init__(self, environ: Mapping[str, str], dotenv: Mapping[str, str]) -> None:
        self._values = {**dotenv, **environ}
        self._secrets: set[str] = set()

    @property
    def secrets(self) -> frozenset[str]:
        return frozenset(self._secrets)

    def describe(self, names: Sequence[str]) -> str:
        """What these variables hold: "X is '1'"; of a secret only that it is set; nothing for defaults."""
        held = {name: self._values[name] for name in names if self._values.get(name)}
        return ", ".join(
            f"{name} is {'set' if value in self._secrets else quoted(mask(value, self._secrets))}"
            for name, value in held.items()
        )

    def fill(self, text: str, *, secret: bool = False) -> Filled:
        """`text` with its variables. A variable that is empty counts as not set, as in a shell's `:-`.

        secret: the values of its variables are to be masked.
        """
        if "${" not in text:
            return Filled(text, [], [], [])
        filled = Filled("", [], [], [])

        def value_of(match: re.Match[str]) -> str:
            name, default = match["name"], match["default"]
            if name is None:
                if match["bad"] is None:
                    return "${"
                filled.bad.append(match["bad"])
                return ""
            if default is not None and "${" in default:
                filled.bad.append(match[0])
                return ""
            return self._value(name, default, filled, secret)

        filled.text = _TOKEN.sub(value_of, text)
        self._remember(filled.text)
        return filled

    def _value(self, name: str, default: str | None, filled: Filled, secret: bool) -> str:
        filled.used.append(name)
        value = self._values.get(name, "")
        if value and (secret or looks_secret(name)):
            self._secrets.update((value, *secret_paths(value)))
        if not value and default is None:
            filled.missing.append(name)
        return value or default or ""

    def _remember(self, text: str) -> None:
        for password in url_passwords(text):
            self._secrets.add(password)
            if "%" in password:
                from urllib.parse import unquote

                self._secrets.add(unquote(password))


def is_secret_reference(text: str) -> bool:
    """Whether a secret is written as it must be: one variable and nothing else."""
    return _SECRET.fullmatch(text) is not None


def has_plain_text(text: str) -> bool:
    """Whether a value is all plain text, be it the default of a variable; `Bearer ${env:X}` is not."""
    rest = _known(text)
    return _UNKNOWN not in rest and rest != ""


def has_plain_password(text: str) -> bool:
    """Whether a URL in the value, defaults filled in, has a password that is not a variable's."""
    return "://" in text and any(password.strip(_UNKNOWN) for password in url_passwords(_known(text)))


def _known(text: str) -> str:
    return _TOKEN.sub(lambda match: (match["default"] or _UNKNOWN) if match["name"] else match[0], text)
