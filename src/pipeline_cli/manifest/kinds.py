"""Which dataclass a map's `type` stands for. One more warehouse is one more module and one line here."""

from __future__ import annotations

from importlib import import_module

KINDS: dict[str, dict[str, str]] = {
    "sources": {
        "rest_api": "pipeline_cli.manifest.sources:RestApiSource",
        "python": "pipeline_cli.manifest.sources:PythonSource",
        "faker": "pipeline_cli.manifest.faker:FakerSource",
        "filesystem": "pipeline_cli.manifest.files:FilesystemSource",
        "sql_database": "pipeline_cli.manifest.databases:SqlDatabaseSource",
    },
    "destinations": {
        "duckdb": "pipeline_cli.destinations.duckdb:DuckDBDestination",
        "postgres": "pipeline_cli.destinations.postgres:PostgresDestination",
        "bigquery": "pipeline_cli.destinations.bigquery:BigQueryDestination",
        "filesystem": "pipeline_cli.destinations.filesystem:FilesystemDestination",
    },
    "filters": {
        "period": "pipeline_cli.manifest.measures:PeriodFilter",
        "choice": "pipeline_cli.manifest.measures:ChoiceFilter",
    },
    "blocks": {
        "figures": "pipeline_cli.manifest.reports:Figures",
        "line": "pipeline_cli.manifest.charts:LineChart",
        "area": "pipeline_cli.manifest.charts:AreaChart",
        "bar": "pipeline_cli.manifest.charts:BarChart",
        "stacked_bar": "pipeline_cli.manifest.charts:StackedBarChart",
        "combined": "pipeline_cli.manifest.charts:CombinedChart",
        "scatter": "pipeline_cli.manifest.charts:ScatterChart",
        "donut": "pipeline_cli.manifest.charts:DonutChart",
        "table": "pipeline_cli.manifest.reports:ReportTable",
        "text": "pipeline_cli.manifest.reports:ReportText",
    },
    "plugins": {
        "email": "pipeline_cli.manifest.channels:EmailChannel",
        "slack": "pipeline_cli.manifest.channels:SlackChannel",
        "pagerduty": "pipeline_cli.manifest.channels:PagerDutyChannel",
        "webhook": "pipeline_cli.manifest.channels:WebhookChannel",
        "apprise": "pipeline_cli.manifest.channels:AppriseChannel",
        "openlineage": "pipeline_cli.manifest.openlineage:OpenLineage",
    },
    "auth": {
        "bearer": "pipeline_cli.manifest.auth:BearerAuth",
        "api_key": "pipeline_cli.manifest.auth:ApiKeyAuth",
        "http_basic": "pipeline_cli.manifest.auth:BasicAuth",
        "oauth2_client_credentials": "pipeline_cli.manifest.auth:OAuth2Auth",
    },
    "paginators": {
        "single_page": "pipeline_cli.manifest.paginators:SinglePage",
        "page_number": "pipeline_cli.manifest.paginators:PageNumber",
        "offset": "pipeline_cli.manifest.paginators:Offset",
        "header_link": "pipeline_cli.manifest.paginators:HeaderLink",
        "header_cursor": "pipeline_cli.manifest.paginators:HeaderCursor",
        "json_link": "pipeline_cli.manifest.paginators:JsonLink",
        "cursor": "pipeline_cli.manifest.paginators:Cursor",
    },
}


def load_kind(section: str, type_name: str) -> type:
    """The dataclass for a map of `section` with this `type`; imported only when one is used."""
    module, _, attribute = KINDS[section][type_name].partition(":")
    found: type = getattr(import_module(module), attribute)
    return found
