"""Events read with the classes of OpenLineage's own client: an unknown or missing key, a wrong shape or an old version
of a facet is an error.

    event = read_event(json.loads(line))     # an openlineage.client.event_v2.RunEvent
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from openlineage.client import event_v2, facet_v2
from openlineage.client.generated import column_lineage_dataset, parent_run, schema_dataset, tags_run
from openlineage.client.serde import Serde

Json = Mapping[str, Any]

FACETS: Mapping[str, type] = {
    "parent": facet_v2.parent_run.ParentRunFacet,
    "nominalTime": facet_v2.nominal_time_run.NominalTimeRunFacet,
    "processing_engine": facet_v2.processing_engine_run.ProcessingEngineRunFacet,
    "tags": tags_run.TagsRunFacet,
    "errorMessage": facet_v2.error_message_run.ErrorMessageRunFacet,
    "jobType": facet_v2.job_type_job.JobTypeJobFacet,
    "sql": facet_v2.sql_job.SQLJobFacet,
    "schema": facet_v2.schema_dataset.SchemaDatasetFacet,
    "dataSource": facet_v2.datasource_dataset.DatasourceDatasetFacet,
    "columnLineage": facet_v2.column_lineage_dataset.ColumnLineageDatasetFacet,
    "outputStatistics": facet_v2.output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet,
}
OF_JOBS = {"documentation": facet_v2.documentation_job.DocumentationJobFacet}
OF_DATASETS = {"documentation": facet_v2.documentation_dataset.DocumentationDatasetFacet}
PARTS: Mapping[tuple[str, str], type] = {
    ("parent", "run"): parent_run.Run,
    ("parent", "job"): parent_run.Job,
    ("parent", "root"): parent_run.Root,
    ("root", "run"): parent_run.RootRun,
    ("root", "job"): parent_run.RootJob,
    ("tags", "tags"): tags_run.TagsRunFacetFields,
    ("schema", "fields"): schema_dataset.SchemaDatasetFacetFields,
}


def read_event(document: Json) -> event_v2.RunEvent:
    """The event as the client has it. Asserts that the client would write the very same JSON."""
    assert document["schemaURL"] == event_v2.RunEvent._get_schema()
    run, job = document["run"], document["job"]
    event = event_v2.RunEvent(
        eventType=event_v2.RunState(document["eventType"]),
        eventTime=document["eventTime"],
        producer=document["producer"],
        run=event_v2.Run(runId=run["runId"], facets=_facets(run["facets"], {})),
        job=event_v2.Job(
            namespace=job["namespace"], name=job["name"], facets=_facets(job["facets"], OF_JOBS)
        ),
        inputs=[_dataset(event_v2.InputDataset, each, "inputFacets") for each in document["inputs"]],
        outputs=[_dataset(event_v2.OutputDataset, each, "outputFacets") for each in document["outputs"]],
    )
    written = json.loads(Serde.to_json(event))
    assert _bare(written) == _bare(document)
    return event


def _dataset(kind: type, document: Json, more: str) -> Any:
    assert set(document) <= {"namespace", "name", "facets", more}
    return kind(
        namespace=document["namespace"],
        name=document["name"],
        facets=_facets(document["facets"], OF_DATASETS),
        **{more: _facets(document.get(more, {}), {})},
    )


def _facets(found: Json, others: Mapping[str, type]) -> dict[str, Any]:
    facets = {}
    for name, content in found.items():
        kind: Any = {**FACETS, **others}[name]
        assert content["_schemaURL"] == kind._get_schema(), name
        facets[name] = kind(
            producer=content["_producer"],
            **{key: _part(name, key, value) for key, value in content.items() if not key.startswith("_")},
        )
    return facets


def _part(facet: str, key: str, value: Any) -> Any:
    if (facet, key) == ("columnLineage", "fields"):
        return {name: _fields(each) for name, each in value.items()}
    kind = PARTS.get((facet, key))
    if kind is None:
        return value
    if isinstance(value, list):
        return [kind(**each) for each in value]
    return kind(**{name: _part(key, name, each) for name, each in value.items()})


def _fields(document: Json) -> Any:
    origins = [column_lineage_dataset.InputField(**each) for each in document["inputFields"]]
    return column_lineage_dataset.Fields(**{**document, "inputFields": origins})


def _bare(value: Any) -> Any:
    """Without what is empty: the client writes empty lists and maps, and needs none of them."""
    if isinstance(value, Mapping):
        kept = {name: _bare(each) for name, each in value.items()}
        return {name: each for name, each in kept.items() if each not in ({}, [], None)}
    if isinstance(value, list):
        return [_bare(each) for each in value]
    return value
