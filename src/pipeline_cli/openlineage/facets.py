"""OpenLineage's facets, as plain JSON. Their versions are those of OpenLineage 1.54."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline_cli import __version__

Json = dict[str, Any]

PRODUCER = f"urn:pipeline-cli:{__version__}"
EVENT_SCHEMA = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
LANGUAGE = "PYTHON"
_FACETS = "https://openlineage.io/spec/facets"


def parent(namespace: str, job: str, run_id: str) -> Json:
    """The run that a step's run is part of."""
    above = {"run": {"runId": run_id}, "job": {"namespace": namespace, "name": job}}
    return _facet("ParentRunFacet", "1-2-0", **above, root=above)


def nominal_time(slot: str) -> Json:
    """slot: the schedule's moment that the run is for, ISO 8601."""
    return _facet("NominalTimeRunFacet", "1-0-1", nominalStartTime=slot)


def processing_engine() -> Json:
    return _facet("ProcessingEngineRunFacet", "1-1-1", version=__version__, name="pipeline-cli")


def run_tags(tags: Mapping[str, str]) -> Json:
    found = [{"key": name, "value": value, "source": "pipeline-cli"} for name, value in tags.items()]
    return _facet("TagsRunFacet", "1-0-0", tags=found)


def error_message(message: str) -> Json:
    return _facet("ErrorMessageRunFacet", "1-0-1", message=message, programmingLanguage=LANGUAGE)


def job_type(kind: str) -> Json:
    """kind: PIPELINE, INGEST, TRANSFORM, TEST or REPORT."""
    return _facet(
        "JobTypeJobFacet", "2-0-4", processingType="BATCH", integration="PIPELINE_CLI", jobType=kind
    )


def job_documentation(description: str) -> Json:
    return _facet("DocumentationJobFacet", "1-1-0", description=description)


def sql(query: str, dialect: str) -> Json:
    return _facet("SQLJobFacet", "1-1-0", query=query, dialect=dialect)


def schema(fields: Sequence[Json]) -> Json:
    """fields: each with a name, and a type and a description where they are known."""
    return _facet("SchemaDatasetFacet", "1-2-0", fields=list(fields))


def data_source(namespace: str) -> Json:
    return _facet("DatasourceDatasetFacet", "1-0-1", name=namespace, uri=namespace)


def dataset_documentation(description: str) -> Json:
    return _facet("DocumentationDatasetFacet", "1-1-0", description=description)


def column_lineage(fields: Mapping[str, Sequence[Json]]) -> Json:
    """fields: of each column the input fields (namespace, name, field) that it is made of."""
    made_of = {name: {"inputFields": list(origins)} for name, origins in fields.items()}
    return _facet("ColumnLineageDatasetFacet", "1-2-0", fields=made_of)


def output_statistics(*, rows: int | None = None, files: int | None = None) -> Json:
    told = {"rowCount": rows, "fileCount": files}
    known = {name: number for name, number in told.items() if number is not None}
    return _facet("OutputStatisticsOutputDatasetFacet", "1-0-2", **known)


def _facet(name: str, version: str, /, **content: Any) -> Json:
    url = f"{_FACETS}/{version}/{name}.json#/$defs/{name}"
    return {"_producer": PRODUCER, "_schemaURL": url, **content}
