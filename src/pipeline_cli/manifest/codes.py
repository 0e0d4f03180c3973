"""The codes of a manifest's mistakes: stable, one line each."""

from __future__ import annotations

UNREADABLE = "E101"
TOO_LARGE = "E102"
BAD_CHARACTER = "E103"
SYNTAX = "E104"
TAB = "E105"
DUPLICATE_KEY = "E106"
NO_YAML_REUSE = "E107"
DOCUMENTS = "E108"
TOO_DEEP = "E109"
WRONG_SHAPE = "E110"
UNKNOWN_KEY = "E111"
MISSING_KEY = "E112"
WRONG_VALUE = "E113"
NOT_A_CHOICE = "E114"
BAD_NAME = "E115"
UNKNOWN_NAME = "E116"
TWO_PLACES = "E117"
BAD_PATH = "E118"
QUOTE_IT = "E119"
NEEDS_PRIMARY_KEY = "E120"
BAD_PLACEHOLDER = "E121"
MISSING_VARIABLE = "E122"
PLAIN_SECRET = "E123"  # noqa: S105 - a code
BAD_RESOURCE_REFERENCE = "E124"
NAMES_COLLIDE = "E125"
BAD_CONTRACT = "E126"
BAD_URL = "E127"
BAD_DOTENV = "E128"
WRONG_KIND = "E129"
BAD_REPORT = "E131"  # E130 is the interruption
BAD_SCHEDULE = "E132"
BAD_MONITOR = "E134"

MEANINGS: dict[str, str] = {
    UNREADABLE: "A file of the manifest is missing or cannot be read.",
    TOO_LARGE: "A file is over 1 MiB.",
    BAD_CHARACTER: "A file is not UTF-8, or holds a control character.",
    SYNTAX: "The text is not YAML.",
    TAB: "A line is indented with a tab.",
    DUPLICATE_KEY: "A key stands twice in one map.",
    NO_YAML_REUSE: "Anchors, aliases, merge keys and tags are not used here.",
    DOCUMENTS: "A file holds more than one YAML document.",
    TOO_DEEP: "Maps and lists are nested more than 50 deep.",
    WRONG_SHAPE: "A map, a list or a single value stands where another of them belongs.",
    UNKNOWN_KEY: "A key means nothing where it stands.",
    MISSING_KEY: "A required key is not there.",
    WRONG_VALUE: "A value is of another type, or out of range.",
    NOT_A_CHOICE: "A value is none of the allowed ones.",
    BAD_NAME: "A name has other characters than names may have, or is reserved.",
    UNKNOWN_NAME: "A name refers to an entry that does not exist.",
    TWO_PLACES: "An entry stands both in pipelines.yaml and in a file of its own.",
    BAD_PATH: "A path leaves the project, or does not exist.",
    QUOTE_IT: "YAML reads the value as something other than the text that is written; quotes settle it.",
    NEEDS_PRIMARY_KEY: "A write disposition needs a primary key.",
    BAD_PLACEHOLDER: "A ${…} is not ${env:NAME} or ${env:NAME:-default}.",
    MISSING_VARIABLE: "An environment variable is not set.",
    PLAIN_SECRET: "A secret stands in plain text.",
    BAD_RESOURCE_REFERENCE: "A {resources.…} or {incremental.…} placeholder has nothing to refer to.",
    NAMES_COLLIDE: "Two names become one in the warehouse.",
    BAD_CONTRACT: "A contract is not JSON.",
    BAD_URL: "An address is not http:// or https://.",
    BAD_DOTENV: "A line of .env is not NAME=value.",
    BAD_REPORT: "The parts of a report do not fit together: a block without a query, say.",
    BAD_SCHEDULE: "A schedule is no cron expression, names a day that never comes, or an unknown time zone.",
    BAD_MONITOR: "A threshold of `monitor` does not fit its pipeline.",
    WRONG_KIND: "A name refers to an entry of a type that cannot stand there.",
}
