"""A stand-in for BigQuery's REST API on this machine: its jobs, datasets and tables, the SQL done by DuckDB.

SQLGlot translates the statements. What BigQuery refuses and DuckDB would take, CAST to a type with parameters, is
refused here, too. Google's clients come here where BIGQUERY_EMULATOR_HOST says so.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
import threading
import traceback
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import duckdb
import sqlglot
from sqlglot import exp

Answer = tuple[int, Any]
TYPES = {
    "STRING": "VARCHAR",
    "INTEGER": "BIGINT",
    "INT64": "BIGINT",
    "FLOAT": "DOUBLE",
    "FLOAT64": "DOUBLE",
    "NUMERIC": "DECIMAL(38, 9)",
    "BIGNUMERIC": "DECIMAL(38, 9)",
    "BOOLEAN": "BOOLEAN",
    "BOOL": "BOOLEAN",
    "TIMESTAMP": "TIMESTAMPTZ",
    "DATETIME": "TIMESTAMP",
    "DATE": "DATE",
    "TIME": "TIME",
    "JSON": "JSON",
    "BYTES": "BLOB",
}
_NAMES = {
    "VARCHAR": "STRING",
    "BIGINT": "INTEGER",
    "INTEGER": "INTEGER",
    "HUGEINT": "INTEGER",
    "DOUBLE": "FLOAT",
    "FLOAT": "FLOAT",
    "DECIMAL": "NUMERIC",
    "BOOLEAN": "BOOLEAN",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMP",
    "TIMESTAMP": "DATETIME",
    "DATE": "DATE",
    "TIME": "TIME",
    "JSON": "JSON",
    "BLOB": "BYTES",
}


ANSWERS = "_answers"  # the dataset of tables that hold what a query gave


class Refused(Exception):  # noqa: N818 - an answer, not a fault
    """An answer of the API that is an error."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.answer = {
            "error": {
                "code": status,
                "message": message,
                "errors": [{"reason": reason, "message": message}],
            }
        }
        self.status = status


class BigQueryServer:
    """Datasets are schemas of one DuckDB database; `statements` are those that came, in order; `faults` our own.

    refuses_loads_of: a table whose load jobs fail for good."""

    def __init__(self) -> None:
        self.database = duckdb.connect()
        self.database.execute("SET TimeZone = 'UTC'")
        self.statements: list[str] = []
        self.jobs: dict[str, dict[str, Any]] = {}
        self.uploads: dict[str, dict[str, Any]] = {}
        self.descriptions: dict[tuple[str, str], Any] = {}
        self.refuses_loads_of = ""
        self.temporary: set[str] = set()
        self.faults: list[str] = []
        self.guard = threading.RLock()
        self.url = ""

    # -- datasets and tables ---------------------------------------------------------------------------------

    def datasets(self) -> list[str]:
        rows = self.database.execute("SELECT schema_name FROM duckdb_schemas() WHERE NOT internal").fetchall()
        return sorted(name for (name,) in rows if name != "main")

    def tables(self, dataset: str) -> dict[str, str]:
        """Name to TABLE or VIEW. Raises Refused where there is no such dataset."""
        if dataset not in self.datasets():
            raise Refused(404, "notFound", f"Not found: Dataset test:{dataset}")
        rows = self.database.execute(
            "SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = ?", [dataset]
        ).fetchall()
        return {name: "VIEW" if kind == "VIEW" else "TABLE" for name, kind in rows}

    def table(self, project: str, dataset: str, name: str) -> dict[str, Any]:
        if dataset == ANSWERS:
            answer = self.jobs[name]["rows"]
            reference = {"projectId": project, "datasetId": dataset, "tableId": name}
            count = str(len(answer["rows"]))
            return {
                "type": "TABLE",
                "tableReference": reference,
                "schema": answer["schema"],
                "numRows": count,
            }
        if name not in self.tables(dataset):
            raise Refused(404, "notFound", f"Not found: Table {project}:{dataset}.{name}")
        found = self.database.execute(f'SELECT * FROM "{dataset}"."{name}" LIMIT 0').description
        (count,) = self.database.execute(f'SELECT count(*) FROM "{dataset}"."{name}"').fetchone() or (0,)
        fields = self.descriptions.get((dataset, name)) or schema_of(found)
        return {
            "kind": "bigquery#table",
            "type": self.tables(dataset)[name],
            "tableReference": {"projectId": project, "datasetId": dataset, "tableId": name},
            "schema": {"fields": fields},
            "numRows": str(count),
            "location": "EU",
            "etag": "e",
        }

    def create_table(self, body: Mapping[str, Any]) -> None:
        place = body["tableReference"]
        fields = body.get("schema", {}).get("fields", [])
        columns = ", ".join(f'"{field["name"]}" {TYPES[field["type"].upper()]}' for field in fields)
        self.database.execute(f'CREATE TABLE "{place["datasetId"]}"."{place["tableId"]}" ({columns})')

    # -- jobs ------------------------------------------------------------------------------------------------

    def start(self, project: str, body: Mapping[str, Any], content: bytes | None = None) -> dict[str, Any]:
        """Do a job at once; how it went stands in it."""
        configuration = dict(body.get("configuration", {}))
        reference = body.get("jobReference") or {"projectId": project, "jobId": str(uuid.uuid4())}
        reference.setdefault("jobId", str(uuid.uuid4()))
        if reference["jobId"] in self.jobs:
            raise Refused(409, "duplicate", f"Already Exists: Job {project}:{reference['jobId']}")
        job: dict[str, Any] = {
            "kind": "bigquery#job",
            "id": f"{project}:{reference['jobId']}",
            "jobReference": {**reference, "location": "EU"},
            "configuration": configuration,
            "statistics": {"creationTime": "0", "startTime": "0", "endTime": "1"},
            "status": {"state": "DONE"},
            "user_email": "test@example.com",
        }
        self.jobs[reference["jobId"]] = job
        try:
            if "query" in configuration:
                job["rows"] = self._query(job, configuration["query"])
            elif "load" in configuration:
                count = self._load(configuration["load"], content or b"")
                job["statistics"]["load"] = {"outputRows": str(count)}
        except Refused as refused:
            job["status"] |= {
                "errorResult": refused.answer["error"]["errors"][0],
                "errors": refused.answer["error"]["errors"],
            }
        return job

    def _query(self, job: dict[str, Any], query: Mapping[str, Any]) -> dict[str, Any]:
        default = (query.get("defaultDataset") or {}).get("datasetId")
        result: Any = None
        kind, count = "SCRIPT", None
        text = emptying_script(query["query"]) or query["query"]
        statements = [each for each in sqlglot.parse(text, read="bigquery") if each is not None]
        fill_in(statements, query.get("queryParameters") or [])
        self.statements.append(query["query"])
        try:
            for statement in statements:
                result, kind, count = self._do(statement, default)
        except duckdb.Error as error:
            with_rollback(self.database)
            if isinstance(error, duckdb.CatalogException):
                raise Refused(404, "notFound", f"Not found: {error}") from error
            raise Refused(400, "invalidQuery", str(error)) from error
        statistics: dict[str, Any] = {"statementType": kind if len(statements) == 1 else "SCRIPT"}
        if count is not None:
            statistics["numDmlAffectedRows"] = str(count)
        job["statistics"] |= {"query": statistics, "totalBytesProcessed": "0"}
        answer = result or {"schema": {"fields": []}, "rows": []}
        place = {"projectId": "test", "datasetId": ANSWERS, "tableId": job["jobReference"]["jobId"]}
        if isinstance(statements[-1], exp.Create):
            made = statements[-1].find(exp.Table)
            place |= {"datasetId": made.db or default, "tableId": made.name} if made else {}
        job["configuration"]["query"] = {**query, "destinationTable": place}
        return answer

    def _do(self, statement: exp.Expression, default: str | None) -> tuple[Any, str, int | None]:
        text = statement.sql("bigquery").upper()
        if isinstance(statement, exp.Command) or text.startswith("CALL "):
            return None, "CALL", None  # BQ.ABORT_SESSION and the like
        if isinstance(statement, exp.Alter) and " SET OPTIONS" in text:
            return None, "ALTER_TABLE", None
        if isinstance(statement, exp.Transaction):
            self.database.execute("BEGIN")
            return None, "BEGIN_TRANSACTION", None
        if isinstance(statement, exp.Commit):
            self.database.execute("COMMIT")
            return None, "COMMIT_TRANSACTION", None
        if isinstance(statement, exp.TruncateTable):
            place = statement.expressions[0]
            if place.name not in self.tables(place.db or default):
                return None, "TRUNCATE_TABLE", None
        if isinstance(statement, exp.Create) and is_temporary(statement):
            self.temporary.add(statement.this.name)
        kind = kind_of(statement)
        query = statement.expression if kind == "CREATE_TABLE_AS_SELECT" else None
        if query is not None and isinstance(
            statement.this, exp.Schema
        ):  # DuckDB takes either columns or a query
            statement.set("expression", None)
        else:
            query = None
        cursor = self.database.execute(translate(statement, default, self.temporary))
        if query is not None:
            into = exp.insert(query, statement.this.this.copy())
            self.database.execute(translate(into, default, self.temporary))
        if kind in ("INSERT", "UPDATE", "DELETE", "MERGE"):
            return None, kind, (cursor.fetchone() or (0,))[0]
        if kind != "SELECT":
            return None, kind, None
        fields = schema_of(cursor.description)
        rows = [
            {"f": [{"v": encode(value, field["type"])} for value, field in zip(row, fields, strict=True)]}
            for row in cursor.fetchall()
        ]
        return {"schema": {"fields": fields}, "rows": rows}, kind, None

    def _load(self, load: Mapping[str, Any], content: bytes) -> int:
        place = load["destinationTable"]
        dataset, name = place["datasetId"], place["tableId"]
        if name == self.refuses_loads_of:
            raise Refused(400, "invalid", f"Error while reading data for {name}")
        fields = load.get("schema", {}).get("fields", [])
        if name not in self.tables(dataset):
            self.create_table({"tableReference": place, "schema": {"fields": fields}})
        elif load.get("writeDisposition") == "WRITE_TRUNCATE":
            self.database.execute(f'DELETE FROM "{dataset}"."{name}"')
        described = self.database.execute(f'SELECT * FROM "{dataset}"."{name}" LIMIT 0').description
        kinds = {column[0]: str(column[1]) for column in described}
        records = list(read_records(load, content, [field["name"] for field in fields]))
        for record in records:
            columns = ", ".join(f'"{column}"' for column in record)
            marks = ", ".join(f"CAST(? AS {kinds[column]})" for column in record)
            values = [json.dumps(v) if isinstance(v, (dict, list)) else v for v in record.values()]
            try:
                self.database.execute(
                    f'INSERT INTO "{dataset}"."{name}" ({columns}) VALUES ({marks})', values
                )
            except duckdb.Error as error:
                raise Refused(400, "invalid", str(error)) from error
        return len(records)


def read_records(load: Mapping[str, Any], content: bytes, names: list[str]) -> Iterator[dict[str, Any]]:
    if content.startswith(b"\x1f\x8b"):
        content = gzip.decompress(content)
    if load.get("sourceFormat") == "NEWLINE_DELIMITED_JSON":
        yield from (json.loads(line) for line in content.splitlines() if line.strip())
        return
    import csv

    lines = content.decode().splitlines()[int(load.get("skipLeadingRows", 0)) :]
    for row in csv.reader(lines):
        yield dict(zip(names, (value or None for value in row), strict=True))


def emptying_script(script: str) -> str | None:
    """dlt's script that empties tables which are there, as plain statements; None for every other text."""
    if not script.startswith("DECLARE table_exists BOOL"):
        return None
    return ";".join(re.findall(r"EXECUTE IMMEDIATE '(.*?)'; END IF", script)) or "SELECT 1"


def fill_in(statements: list[exp.Expression], parameters: list[Any]) -> None:
    """Put the parameters' values in their places."""
    named = {each["name"]: literal_of(each) for each in parameters if each.get("name")}
    positional = [literal_of(each) for each in parameters if not each.get("name")]
    for statement in statements:
        for place in list(statement.find_all(exp.Placeholder, exp.Parameter, bfs=False)):
            place.replace(named[place.name] if named else positional.pop(0))


def literal_of(parameter: Mapping[str, Any]) -> exp.Expression:
    value = parameter["parameterValue"].get("value")
    text = exp.null() if value is None else exp.Literal.string(value)
    return exp.cast(text, parameter["parameterType"]["type"], dialect="bigquery")


def with_rollback(database: Any) -> None:
    with suppress(duckdb.Error):  # there was no transaction
        database.execute("ROLLBACK")


def translate(statement: exp.Expression, default: str | None, temporary: set[str]) -> str:
    """DuckDB's SQL. Raises Refused for what BigQuery does not take."""
    for cast in statement.find_all(exp.Cast):
        if cast.to.expressions and not isinstance(cast.parent, exp.Create):
            message = f"Parameterized types are not allowed in CAST expressions: {cast.sql('bigquery')}"
            raise Refused(400, "invalidQuery", message)
    for column in statement.find_all(exp.Column):
        if column.db:
            raise Refused(400, "invalidQuery", f"Unrecognized name: {column.sql('bigquery')}")
    for kind in list(statement.find_all(exp.DataType)):  # DuckDB's own NUMERIC has three places
        if kind.this in (exp.DataType.Type.DECIMAL, exp.DataType.Type.BIGDECIMAL) and not kind.expressions:
            kind.replace(exp.DataType.build("DECIMAL(38, 9)"))
    for table in list(statement.find_all(exp.Table)):
        if table.name.startswith("INFORMATION_SCHEMA."):
            table.replace(information(table.name.split(".")[1], table.db or default or ""))
            continue
        table.set("catalog", None)
        is_name = not table.db and isinstance(table.this, exp.Identifier)
        if default and is_name and table.name not in temporary and not is_local(table, statement):
            table.set("db", exp.to_identifier(default))
    if isinstance(statement, exp.Create):
        temporary_table = exp.Properties(expressions=[exp.TemporaryProperty()])
        statement.set("properties", temporary_table if is_temporary(statement) else None)
        for definition in statement.find_all(exp.ColumnDef):
            definition.set(
                "constraints",
                [
                    each
                    for each in definition.args.get("constraints") or []
                    if "OPTIONS" not in each.sql("bigquery")
                ],
            )
    return statement.sql("duckdb")


def information(view: str, dataset: str) -> exp.Expression:
    """A dataset's view of INFORMATION_SCHEMA: TABLES, or COLUMNS with BigQuery's names of types."""
    cases = " ".join(f"WHEN '{duck}' THEN '{name}'" for duck, name in _NAMES.items())
    kind = (
        f"CASE regexp_replace(data_type, '\\(.*', '') {cases} END AS data_type"
        if view == "COLUMNS"
        else "1 AS one"
    )
    column = "column_name, is_nullable, ordinal_position, " if view == "COLUMNS" else ""
    select = f"SELECT table_schema, table_name, {column}{kind} FROM information_schema.{view.lower()}"
    query = sqlglot.parse_one(f"{select} WHERE table_schema = '{dataset}'", read="duckdb")
    return exp.Subquery(this=query, alias=exp.TableAlias(this=exp.to_identifier(view)))


def is_temporary(statement: exp.Create) -> bool:
    return any(isinstance(each, exp.TemporaryProperty) for each in statement.find_all(exp.Property))


def is_local(table: exp.Table, statement: exp.Expression) -> bool:
    """Whether the name is that of a CTE."""
    return table.name in {cte.alias for cte in statement.find_all(exp.CTE)}


def kind_of(statement: exp.Expression) -> str:
    if isinstance(statement, exp.Query):
        return "SELECT"
    if isinstance(statement, exp.Create):
        as_select = "_AS_SELECT" if statement.expression and statement.kind == "TABLE" else ""
        return f"CREATE_{statement.kind}{as_select}"
    return type(statement).__name__.upper()


def schema_of(description: Any) -> list[dict[str, str]]:
    return [
        {"name": name, "type": _NAMES.get(re.sub(r"\(.*\)", "", str(kind)), "STRING"), "mode": "NULLABLE"}
        for name, kind, *_ in description
    ]


def encode(value: Any, kind: str) -> Any:
    """A value as the API spells it."""
    if value is None:
        return None
    if kind == "TIMESTAMP":
        return str(int(value.astimezone(UTC).timestamp() * 1_000_000))
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    return format(value, "f") if isinstance(value, Decimal) else str(value)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Http

    def _serve(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        content = self.rfile.read(length)
        address = urlsplit(self.path)
        try:
            with self.server.bigquery.guard:
                status, body = self._answer(address.path, parse_qs(address.query), content)
        except Refused as refused:
            status, body = refused.status, refused.answer
        except Exception as error:  # a mistake in here: it must show, and not be tried again
            status, body = 501, Refused(501, "notImplemented", repr(error)).answer
            self.server.bigquery.faults.append(traceback.format_exc())
        text = json.dumps(body).encode()
        self.send_response(status)
        if isinstance(body, dict) and "_location" in body:
            self.send_header("Location", body["_location"])
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815

    def log_message(self, *arguments: Any) -> None:
        """Nothing."""

    def _answer(self, path: str, query: Mapping[str, list[str]], content: bytes) -> Answer:
        bigquery = self.server.bigquery
        if path == "/token":
            return 200, {"access_token": "token", "expires_in": 3600, "token_type": "Bearer"}
        if path.startswith("/upload/"):
            return self._upload(path, query, content)
        body = json.loads(content) if content else {}
        for method, pattern, answer in _ROUTES:
            found = re.fullmatch(r"/bigquery/v2/projects/(\w[\w-]*)" + pattern, path)
            if found and method == self.command:
                return answer(bigquery, body, *found.groups())
        raise Refused(501, "notImplemented", f"{self.command} {path}")

    def _upload(self, path: str, query: Mapping[str, list[str]], content: bytes) -> Answer:
        bigquery = self.server.bigquery
        project = path.split("/")[5]
        if query.get("uploadType") == ["multipart"]:
            boundary = re.search(r'boundary="?([^";]+)"?', self.headers["content-type"])[1]  # type: ignore[index]
            first, second = content.split(b"--" + boundary.encode())[1:3]
            head = json.loads(first.split(b"\r\n\r\n", 1)[1])
            return 200, job_view(
                bigquery.start(project, head, second.split(b"\r\n\r\n", 1)[1].rstrip(b"\r\n"))
            )
        if self.command == "POST":
            upload = str(uuid.uuid4())
            bigquery.uploads[upload] = json.loads(content)
            return 200, {"_location": f"{bigquery.url}{path}?uploadType=resumable&upload_id={upload}"}
        head = bigquery.uploads.pop(query["upload_id"][0])
        return 200, job_view(bigquery.start(project, head, content))


def job_view(job: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in job.items() if name != "rows"}


def _list_datasets(server: BigQueryServer, _: Any, project: str) -> Answer:
    references = [
        {"datasetReference": {"projectId": project, "datasetId": name}} for name in server.datasets()
    ]
    return 200, {"datasets": references}


def _create_dataset(server: BigQueryServer, body: Any, project: str) -> Answer:
    name = body["datasetReference"]["datasetId"]
    if name in server.datasets():
        raise Refused(409, "duplicate", f"Already Exists: Dataset {project}:{name}")
    server.database.execute(f'CREATE SCHEMA "{name}"')
    return _get_dataset(server, None, project, name)


def _get_dataset(server: BigQueryServer, _: Any, project: str, dataset: str) -> Answer:
    server.tables(dataset)
    return 200, {"datasetReference": {"projectId": project, "datasetId": dataset}, "location": "EU"}


def _list_tables(server: BigQueryServer, _: Any, project: str, dataset: str) -> Answer:
    found = [
        {"type": kind, "tableReference": {"projectId": project, "datasetId": dataset, "tableId": name}}
        for name, kind in server.tables(dataset).items()
    ]
    return 200, {"tables": found, "totalItems": len(found)}


def _create_table(server: BigQueryServer, body: Any, project: str, dataset: str) -> Answer:
    server.create_table(body)
    return 200, server.table(project, dataset, body["tableReference"]["tableId"])


def _get_table(server: BigQueryServer, _: Any, project: str, dataset: str, table: str) -> Answer:
    return 200, server.table(project, dataset, table)


def _patch_table(server: BigQueryServer, body: Any, project: str, dataset: str, table: str) -> Answer:
    if "schema" in body:
        server.descriptions[dataset, table] = body["schema"]["fields"]
    return 200, server.table(project, dataset, table)


def _delete_table(server: BigQueryServer, _: Any, project: str, dataset: str, table: str) -> Answer:
    kind = server.tables(dataset).get(table)
    if kind is None:
        raise Refused(404, "notFound", f"Not found: Table {project}:{dataset}.{table}")
    server.database.execute(f'DROP {kind} "{dataset}"."{table}"')
    server.descriptions.pop((dataset, table), None)
    return 200, {}


def _insert_job(server: BigQueryServer, body: Any, project: str) -> Answer:
    return 200, job_view(server.start(project, body))


def _run_query(server: BigQueryServer, body: Any, project: str) -> Answer:
    job = server.start(project, {"configuration": {"query": body}})
    return _get_results(server, None, project, job["jobReference"]["jobId"])


def _get_job(server: BigQueryServer, _: Any, project: str, job: str) -> Answer:
    if job not in server.jobs:
        raise Refused(404, "notFound", f"Not found: Job {project}:{job}")
    return 200, job_view(server.jobs[job])


def _get_results(server: BigQueryServer, _: Any, project: str, job: str) -> Answer:
    found = server.jobs[job]
    if "errorResult" in found["status"]:
        error = found["status"]["errorResult"]
        raise Refused(404 if error["reason"] == "notFound" else 400, error["reason"], error["message"])
    rows = found.get("rows") or {"schema": {"fields": []}, "rows": []}
    return 200, {
        "jobReference": found["jobReference"],
        "jobComplete": True,
        "totalRows": str(len(rows["rows"])),
        **rows,
    }


_ROUTES: list[tuple[str, str, Callable[..., Answer]]] = [
    ("GET", "/datasets", _list_datasets),
    ("POST", "/datasets", _create_dataset),
    ("GET", r"/datasets/(\w+)", _get_dataset),
    ("PATCH", r"/datasets/(\w+)", _get_dataset),
    ("GET", r"/datasets/(\w+)/tables", _list_tables),
    ("POST", r"/datasets/(\w+)/tables", _create_table),
    ("GET", r"/datasets/(\w+)/tables/([\w-]+)", _get_table),
    ("PATCH", r"/datasets/(\w+)/tables/(\w+)", _patch_table),
    ("DELETE", r"/datasets/(\w+)/tables/(\w+)", _delete_table),
    ("POST", "/jobs", _insert_job),
    ("POST", "/queries", _run_query),
    ("GET", r"/jobs/([\w-]+)", _get_job),
    ("GET", r"/queries/([\w-]+)", _get_results),
]


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    bigquery: BigQueryServer


@contextmanager
def run_bigquery() -> Iterator[BigQueryServer]:
    """The server in threads of this process; its `url` is for BIGQUERY_EMULATOR_HOST."""
    http = _Http(("127.0.0.1", 0), _Handler)
    http.bigquery = BigQueryServer()
    http.bigquery.url = f"http://127.0.0.1:{http.server_address[1]}"
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    try:
        yield http.bigquery
    finally:
        http.shutdown()
        http.server_close()


def service_key(server_url: str) -> str:
    """The JSON of a service account's key whose tokens the server gives."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    text = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    key = {
        "type": "service_account",
        "project_id": "test",
        "private_key_id": "1",
        "private_key": text,
        "client_email": "pipeline@test.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": f"{server_url}/token",
    }
    return json.dumps(key)
