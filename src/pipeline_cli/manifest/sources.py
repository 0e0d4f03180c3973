"""The `sources` section: one dataclass a source type, with dlt's keys where dlt has them.

https://dlthub.com/docs/dlt-ecosystem/verified-sources/rest_api/basic
"""

from collections.abc import Mapping
from dataclasses import fields
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from pipeline_cli.manifest.models import Limit, entry, key
from pipeline_cli.manifest.retries import Retries

if TYPE_CHECKING:
    from pipeline_cli.manifest.auth import Auth
    from pipeline_cli.manifest.paginators import Paginator

WriteDisposition = Literal["append", "merge", "replace", "scd2"]
OnViolation = Literal["quarantine", "fail", "warn"]
DataType = Literal[
    "text", "double", "bool", "timestamp", "bigint", "binary", "json", "decimal", "wei", "date", "time"
]


@entry
class Column:
    """A column hint: dlt's names and meaning."""

    data_type: DataType | None = key("dlt's data type.", default=None)
    nullable: bool | None = key("Whether the column may be NULL.", default=None)
    precision: int | None = key("Digits of a decimal, or the length of a text.", default=None, minimum=1)
    scale: int | None = key("Digits after the point of a decimal.", default=None, minimum=0)


@entry
class Incremental:
    """Only what is new since the last run; the cursor moves with the rows it stands for."""

    cursor_path: str = key(
        "The field, or JSONPath, whose largest value marks how far the source has been read."
    )
    initial_value: str | int | float | None = key("Where to begin on the first run.", default=None)
    end_value: str | int | float | None = key("Where to stop.", default=None)
    lag: timedelta | int | float | None = key(
        "How far behind the cursor to begin, for late records: a duration for times, a number for numbers.",
        default=None,
    )
    start_param: str | None = key("The query parameter that takes the start value.", default=None)
    end_param: str | None = key("The query parameter that takes the end value.", default=None)
    on_cursor_value_missing: Literal["quarantine", "include"] = key(
        "What becomes of a record without a cursor value.", default="quarantine"
    )


OnDrift = Literal["evolve", "freeze", "quarantine"]


@entry
class SchemaContract:
    """What becomes of what the table, once it is there, has no place for."""

    tables: OnDrift = key("A nested list without a child table.", default="evolve")
    columns: OnDrift = key("A field without a column.", default="evolve")
    data_type: OnDrift = key(
        "A value that its column cannot hold; evolve keeps it as a text in the column NAME__v_text.",
        default="quarantine",
    )


def unfrozen(contract: SchemaContract) -> SchemaContract:
    """The same, but that nothing fails a load: what is frozen is set apart."""
    kept = {each.name: getattr(contract, each.name) for each in fields(contract)}
    return SchemaContract(**{name: "quarantine" if said == "freeze" else said for name, said in kept.items()})


@entry
class ResourceHints:
    """What every resource can say, whatever its source."""

    primary_key: tuple[str, ...] = key("The fields that identify a record.", default=())
    write_disposition: WriteDisposition = key(
        "What loading does to rows that are there already.", default="append"
    )
    contract: str | None = key(
        "A JSON Schema (draft 2020-12) that every record must meet.", default=None, path="file"
    )
    on_violation: OnViolation = key(
        "What becomes of a record that breaks its contract.", default="quarantine"
    )
    max_rejected: Limit | None = key(
        "How many rejected records a run may have: a count or a share.", default=None
    )
    columns: Mapping[str, Column] = key("Types of columns that are not to be inferred.", default={})
    max_table_nesting: int | None = key(
        "How deep nested lists become child tables; 0 keeps them as JSON.", default=None, minimum=0
    )
    keep_raw: bool | None = key("Keep each record as received in the column _raw (JSON).", default=None)
    incremental: Incremental | None = key("Read only what is new.", default=None)
    schema_contract: SchemaContract | OnDrift | None = key(
        "What becomes of new fields and other types: evolve takes them in, quarantine sets their records apart, freeze "
        "fails the load; one word for all three, or for each.",
        default=None,
    )

    @property
    def drift(self) -> SchemaContract:
        """`schema_contract`, written out."""
        if isinstance(self.schema_contract, str):
            said = self.schema_contract
            return SchemaContract(tables=said, columns=said, data_type=said)
        return self.schema_contract or SchemaContract()


# -- rest_api ----------------------------------------------------------------------------------------------


@entry
class RateLimit:
    """How many requests an API takes in a time."""

    requests: int = key("How many requests.", minimum=1)
    per: timedelta = key("In which time.", default=timedelta(seconds=1), minimum=0.001)


@entry
class Client:
    base_url: str = key("The address that every path is joined to.", url=True)
    headers: Mapping[str, str] = key("Headers of every request.", default={})
    auth: "Auth | None" = key("How requests are authenticated.", default=None, kinds="auth")
    paginator: "Paginator | None" = key(
        "How pages follow one another; by default found out from the first answer.",
        default=None,
        kinds="paginators",
    )
    allowed_origins: tuple[str, ...] = key(
        "Other origins (https://host) that redirects and next-links may lead to.", default=()
    )
    request_timeout: timedelta = key(
        "The longest one request may take, answer included.", default=timedelta(seconds=60), minimum=0.001
    )
    resource_timeout: timedelta = key(
        "The longest one resource may take, retries and pages included.",
        default=timedelta(hours=1),
        minimum=0.001,
    )
    retry_timeout: timedelta = key(
        "The longest a request is tried again, waits included.", default=timedelta(minutes=5)
    )
    rate_limit: RateLimit | None = key(
        "No more requests than these; by default as the API's answers tell (429, Retry-After, RateLimit headers).",
        default=None,
    )
    resume_within: timedelta = key(
        "How long after its beginning an extraction that was killed goes on from its last page; 0s: never.",
        default=timedelta(hours=1),
    )
    max_retries: int = key(
        "Tries after the first for 429, 5xx and dropped connections.", default=5, minimum=0
    )
    max_response_bytes: int = key("The largest answer, decompressed.", default=268_435_456, minimum=1)
    error_keys: tuple[str, ...] = key(
        "Top-level keys whose presence makes a 200 an error.", default=("error", "errors")
    )


@entry
class Endpoint:
    path: str = key("The path below base_url; {resources.PARENT.FIELD} takes a parent's field.")
    method: Literal["GET", "POST"] = key("The HTTP method.", default="GET")
    params: Mapping[str, Any] = key(
        "Query parameters; {incremental.start_value} takes the cursor.", default={}
    )
    json: Mapping[str, Any] = key("The request's JSON body.", default={})
    headers: Mapping[str, str] = key("More headers.", default={})
    paginator: "Paginator | None" = key(
        "Instead of the client's paginator.", default=None, kinds="paginators"
    )
    data_selector: str | None = key("JSONPath to the list of records in the response.", default=None)


@entry
class ExpectedCount:
    """An endpoint that tells how many records there are, to compare with what was extracted."""

    path: str = key("The endpoint's path.")
    field: str = key("JSONPath to the number in its answer.", default="count")
    on_mismatch: Literal["fail", "warn"] = key("What a different number does.", default="fail")


@entry
class RestResource(ResourceHints):
    endpoint: Endpoint | str | None = key(
        "Where the records are; a string is the path; by default the resource's name.", default=None
    )
    include_from_parent: tuple[str, ...] = key(
        "Fields of the parent record to add to each record.", default=()
    )
    keep_landed: timedelta | None = key(
        "How long its answers are kept as received, in .pipeline/ENV/landed; by default until they are loaded.",
        default=None,
    )
    expected_count: ExpectedCount | None = key(
        "Compare the number of records with what the API says.", default=None
    )


@entry
class RestApiSource:
    """Records from an HTTP API that answers with JSON."""

    type: Literal["rest_api"]
    client: Client = key("Address, authentication and limits.")
    resources: Mapping[str, RestResource] = key("What to read, by table name.", names="resources")
    keep_raw: bool = key("Keep each record as received in the column _raw (JSON).", default=False)
    parallel: bool = key("Read resources, pages and dependent requests side by side.", default=False)
    max_parallel: int = key(
        "How many requests are under way at once, where it is read side by side.", default=5, minimum=1
    )
    retries: Retries | None = key(
        "How reading it is tried again; by default as the pipeline says.", default=None
    )
    lake: str | None = key(
        "A filesystem destination where the rows of each load are also kept, as files that never change.",
        default=None,
        refers_to="destinations",
    )


# -- python ------------------------------------------------------------------------------------------------


@entry
class PythonSource:
    """Any dlt source written in Python, in a file below sources/."""

    type: Literal["python"]
    path: str = key("The Python file.", path="file")
    function: str | None = key(
        "The function decorated with @dlt.source or @dlt.resource; by default the only one.", default=None
    )
    arguments: Mapping[str, Any] = key("Keyword arguments for the function.", default={})
    resources: Mapping[str, ResourceHints] = key(
        "Hints for its resources, by name; no entry keeps the source's own.", default={}, names="resources"
    )
    keep_raw: bool = key("Keep each record as received in the column _raw (JSON).", default=False)
    max_parallel: int = key(
        "How many of its resources are read at once, where they are read side by side.", default=5, minimum=1
    )
    retries: Retries | None = key(
        "How reading it is tried again; by default as the pipeline says.", default=None
    )
    lake: str | None = key(
        "A filesystem destination where the rows of each load are also kept, as files that never change.",
        default=None,
        refers_to="destinations",
    )


Source = RestApiSource | PythonSource
