"""What one part of the manifest says about another: names, placeholders, keys that need each other.

These look at nodes rather than at built objects, so that a mistake in one key of a resource does not keep the
mistakes of its other keys from being told in the same run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from pipeline_cli.manifest import codes
from pipeline_cli.manifest.alert_checks import check_alerts
from pipeline_cli.manifest.contract_files import check_contract_file
from pipeline_cli.manifest.environments import check_copies, check_schedule_names
from pipeline_cli.manifest.exclusive_keys import check_exclusive
from pipeline_cli.manifest.findings import Findings, did_you_mean, nearest, quoted
from pipeline_cli.manifest.interpolate import Variables
from pipeline_cli.manifest.names import table_name
from pipeline_cli.manifest.nodes import Entry, Node, Scalar, Sequence, child
from pipeline_cli.manifest.nodes import Mapping as MappingNode
from pipeline_cli.manifest.paths import check_path
from pipeline_cli.manifest.places import check_places
from pipeline_cli.manifest.plugin_checks import check_lineage_receivers
from pipeline_cli.manifest.report_references import ReportReferences

Sections = Mapping[str, Mapping[str, Entry]]

_PLACEHOLDER = re.compile(r"\{(resources|incremental)\b\.?([^{}]*)\}")
_INCREMENTAL_VALUES = ("start_value", "initial_value", "last_value", "end_value")
_NEEDS_KEY = {
    "merge": "without one rows would be duplicated",
    "scd2": "without one a record's versions cannot be told apart from other records",
}
# Schemas and catalogs that DuckDB has by itself.
_DUCKDB_NAMES = ("main", "temp", "system", "information_schema", "pg_catalog", "pipeline_runs")


class References:
    """The checks across entries; `root` is the project's folder."""

    def __init__(self, root: Path, findings: Findings, variables: Variables) -> None:
        self.root = root
        self.findings = findings
        self.variables = variables

    def check(self, sections: Sections) -> None:
        """Record what does not fit together, over all sections (name to key and node)."""
        sources = sections["sources"]
        for name, entry in sources.items():
            self._check_dataset(name, entry, sources)
            self._check_source(entry.value)
        for contract in dict.fromkeys(self._contracts(sources)):
            check_contract_file(self.root, contract, self.findings)
        ReportReferences(self.findings, self.variables).check(sections["reports"])
        for entry in sections["destinations"].values():
            self._check_duckdb_file(entry.value, sections)
        check_places(sections, self.text, self.findings)
        check_copies(sections["environments"], sections["pipelines"], self.text, self.findings)
        self._check_schedules(sections)
        check_alerts(sections, self.text, self.findings)
        check_lineage_receivers(self.root, sections, self.text, self.findings)
        if any(child(each.value, "monitor") for each in sections["pipelines"].values()):
            from pipeline_cli.manifest.monitor_checks import check_monitors

            check_monitors(sections["pipelines"], self.findings)

    def text(self, node: Node | None) -> str | None:
        """The scalar's text with its variables filled in; None where there is no scalar."""
        return self.variables.fill(node.text).text if isinstance(node, Scalar) else None

    def _check_schedules(self, sections: Sections) -> None:
        environments, pipelines = sections["environments"], sections["pipelines"]
        written = [child(each.value, "schedule") for each in pipelines.values()]
        for environment in environments.values():
            schedules = child(environment.value, "schedules")
            if isinstance(schedules, MappingNode):
                written += [entry.value for entry in schedules.entries.values()]
        if any(written):
            from pipeline_cli.manifest.schedule_checks import check_schedules

            check_schedules(written, self.text, self.findings)
        check_schedule_names(environments, pipelines, self.findings)

    def _contracts(self, sources: Mapping[str, Entry]) -> Iterator[str]:
        for source in sources.values():
            resources = child(source.value, "resources")
            for resource in resources.entries.values() if isinstance(resources, MappingNode) else ():
                path = self.text(child(resource.value, "contract"))
                if path and check_path(self.root, path, "file") is None:
                    yield path

    def _check_dataset(self, name: str, entry: Entry, sources: Mapping[str, Entry]) -> None:
        merged_by = name.removesuffix("_staging")
        if merged_by != name and merged_by in sources:
            message = f"the dataset bronze_{name} is where {merged_by} is merged by dlt."
            self.findings.add(codes.NAMES_COLLIDE, entry.key, message, "Give this source another name.")

    def _check_source(self, source: Node) -> None:
        resources = child(source, "resources")
        if not isinstance(resources, MappingNode):
            return
        self._check_tables(resources)
        for entry in resources.entries.values():
            self._check_primary_key(entry.value)
        check_exclusive(source, self.findings)
        if self.text(child(source, "type")) == "faker":
            # Its names and values are Faker's own: nobody else's manifest pays for reading this.
            from pipeline_cli.manifest.faker_checks import check_faker

            check_faker(source, self.text, self.findings)
        if self.text(child(source, "type")) == "filesystem":
            from pipeline_cli.manifest.file_checks import check_files

            check_files(source, self.text, self.findings)
        if self.text(child(source, "type")) == "rest_api":
            parents = {
                name: self._check_endpoint(entry, resources) for name, entry in resources.entries.items()
            }
            self._check_circles(parents, resources)

    def _check_tables(self, resources: MappingNode) -> None:
        tables: dict[str, str] = {}
        for name, entry in resources.entries.items():
            table = table_name(name)
            if table in tables:
                message = f"{quoted(name)} and {quoted(tables[table])} would both be the table {table}."
                self.findings.add(codes.NAMES_COLLIDE, entry.key, message, "Give one of them another name.")
            tables.setdefault(table, name)

    def _check_primary_key(self, resource: Node) -> None:
        disposition = child(resource, "write_disposition")
        why = _NEEDS_KEY.get(self.text(disposition) or "")
        if disposition is None or why is None or not isinstance(resource, MappingNode):
            return
        key = resource.entries.get("primary_key")
        if key is not None and not (isinstance(key.value, Sequence) and not key.value.items):
            return
        if key is None and any(nearest(name, ["primary_key"]) for name in resource.entries):
            return  # it is there, misspelt, and that is told already
        shown = f"write_disposition '{self.text(disposition)}' needs a primary_key; {why}."
        hint = "Add primary_key: [id], or use write_disposition: append."
        self.findings.add(codes.NEEDS_PRIMARY_KEY, disposition, shown, hint)

    def _check_endpoint(self, entry: Entry, resources: MappingNode) -> set[str]:
        """Check the placeholders of a resource's endpoint; the resources it takes values from."""
        parents: set[str] = set()
        own_way = False
        for scalar in scalars_below(child(entry.value, "endpoint")):
            own_way = own_way or scalar.text == "resolve"  # dlt's {type: resolve, resource: …, field: …}
            for match in _PLACEHOLDER.finditer(scalar.text):
                if match[1] == "incremental":
                    self._check_incremental(match[2], scalar, entry)
                else:
                    parents |= self._check_parent(match, scalar, entry, resources)
        included = child(entry.value, "include_from_parent")
        if included is not None and next(scalars_below(included), None) and not parents and not own_way:
            message = "include_from_parent needs a parent, and the endpoint names none."
            hint = "Use {resources.PARENT.FIELD} in the endpoint's path or params."
            self.findings.add(codes.BAD_RESOURCE_REFERENCE, included.owner or included, message, hint)
        return parents

    def _check_incremental(self, name: str, scalar: Scalar, entry: Entry) -> None:
        if name not in _INCREMENTAL_VALUES:
            message = f"{{incremental.{name}}} does not exist."
            self._refuse(scalar, message, did_you_mean(name, _INCREMENTAL_VALUES))
        elif child(entry.value, "incremental") is None:
            message = f"{{incremental.{name}}} needs the key incremental in {quoted(entry.key.text)}."
            self._refuse(scalar, message, "Add incremental: {cursor_path: ..., initial_value: ...}.")

    def _check_parent(
        self, match: re.Match[str], scalar: Scalar, entry: Entry, resources: MappingNode
    ) -> set[str]:
        parent, _, field = match[2].partition(".")
        if not field:
            self._refuse(scalar, f"{match[0]} names no field.", "Write {resources.PARENT.FIELD}.")
        elif parent not in resources.entries:
            hint = did_you_mean(parent, list(resources.entries), what="The resources are")
            self._refuse(scalar, f"{match[0]}: {quoted(parent)} is not a resource of this source.", hint)
        elif parent == entry.key.text:
            self._refuse(scalar, f"{match[0]} refers to the resource itself.", "Refer to another resource.")
        else:
            return {parent}
        # A wrong parent is a parent all the same: nothing more follows from it.
        return {""}

    def _check_circles(self, parents: dict[str, set[str]], resources: MappingNode) -> None:
        told: set[str] = set()
        for name in parents:
            above, waiting = set[str](), list(parents[name])
            while waiting:
                parent = waiting.pop()
                if parent not in above:
                    above.add(parent)
                    waiting.extend(parents.get(parent, ()))
            if name in above and not above & told:
                told |= above
                message = f"{quoted(name)} takes values from resources that take values from it."
                self._refuse(resources.entries[name].key, message, "Break the circle of {resources....}.")

    def _check_duckdb_file(self, destination: Node, sections: Sections) -> None:
        path = self.text(child(destination, "path"))
        if path is None or self.text(child(destination, "type")) != "duckdb":
            return
        stem = Path(path).stem.lower()
        schemas = {f"bronze_{name}{end}" for name in sections["sources"] for end in ("", "_staging")}
        schemas |= {f"{layer}_{name}" for name in sections["pipelines"] for layer in ("silver", "gold")}
        schemas |= {f"sqlmesh_{name}" for name in sections["transforms"]}
        if stem in schemas or stem in _DUCKDB_NAMES:
            message = f"a DuckDB file cannot be called {stem}: a schema in it has that name."
            node = child(destination, "path") or destination
            self.findings.add(codes.NAMES_COLLIDE, node, message, "Rename the file, to warehouse.duckdb say.")

    def _refuse(self, node: Scalar, message: str, hint: str | None) -> None:
        self.findings.add(codes.BAD_RESOURCE_REFERENCE, node, message, hint)


def scalars_below(node: Node | None) -> Iterator[Scalar]:
    """Every single value in a node, however deep."""
    if isinstance(node, Scalar):
        yield node
    elif isinstance(node, Sequence):
        for item in node.items:
            yield from scalars_below(item)
    elif isinstance(node, MappingNode):
        for entry in node.entries.values():
            yield from scalars_below(entry.value)
