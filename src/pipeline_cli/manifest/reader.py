"""Reads pipelines.yaml and its section files: every mistake at once, each with its place."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from pipeline_cli.errors import ManifestError, UsageError
from pipeline_cli.manifest import codes
from pipeline_cli.manifest.build import Builder
from pipeline_cli.manifest.document import read_document
from pipeline_cli.manifest.dotenv import read_dotenv
from pipeline_cli.manifest.environments import bind_environment
from pipeline_cli.manifest.findings import Findings, did_you_mean, quoted
from pipeline_cli.manifest.frozen import freeze
from pipeline_cli.manifest.interpolate import Variables
from pipeline_cli.manifest.kinds import KINDS, load_kind
from pipeline_cli.manifest.models import Environment, Manifest
from pipeline_cli.manifest.monitor_defaults import with_defaults
from pipeline_cli.manifest.nodes import Broken, Document, Entry, Node, Place, Scalar, child
from pipeline_cli.manifest.nodes import Mapping as MappingNode
from pipeline_cli.manifest.nodes import Sequence as SequenceNode
from pipeline_cli.manifest.places import lakes_of
from pipeline_cli.manifest.references import References
from pipeline_cli.manifest.sections import FILE_SECTIONS, SectionReader
from pipeline_cli.manifest.shapes import Field, fields_of
from pipeline_cli.manifest.values import INVALID, Demand, Values

MANIFEST_NAME = "pipelines.yaml"
SECTIONS = ("environments", *FILE_SECTIONS, "pipelines")
Entries = dict[str, dict[str, Entry] | None]


@freeze
class Reading:
    """A manifest that has no mistakes, and what was learned on the way.

    environment: the name of the selected one.
    secrets: values to mask at every sink, see `pipeline_cli.secrets.mask`.
    missing: variables that are not set and not needed here, by entry: {"plugins.email": ("SMTP_URL",)}. In
        such an entry an empty text stands for the whole value ("replayed" in a source that is replayed).
    files: pipelines.yaml and the section files, in the order of reading.
    """

    manifest: Manifest
    environment: str
    secrets: frozenset[str]
    missing: Mapping[str, tuple[str, ...]]
    files: tuple[Path, ...]


def read_manifest(
    root: Path,
    environ: Mapping[str, str],
    environment: str | None = None,
    *,
    pipelines: Collection[str] | None = None,
    sources: Collection[str] | None = None,
    destinations: Collection[str] = (),
    network: bool = False,
    lenient: bool = False,
) -> Reading:
    """The manifest of the project in `root`, for `environment` or the default one.

    environ: the process's variables; those of `<root>/.env` are added to them.
    pipelines, sources: what is to be used; variables of other sources are not demanded. By default all are.
    destinations: those to be used beside the environment's own and the lakes of the sources.
    network: sources go to the network even where the environment replays: their variables are demanded.
    lenient: no variable of an entry is demanded; those that are not set are `missing`.
    Raises ManifestError with all mistakes; UsageError when the manifest has none but lacks that environment.
    """
    findings = Findings()
    document, top = _read_top(root, findings)
    sections = SectionReader(root, findings)
    entries: Entries = {section: sections.read(section, top) for section in SECTIONS}
    variables = Variables(environ, read_dotenv(root, findings))
    # What a pipelines.yaml that cannot be read would have held is not known: no name is a wrong one then.
    known = {
        section: None if top is None or found is None else tuple(found) for section, found in entries.items()
    }
    values = Values(findings, variables, root, known)
    selected = environment or _default_environment(top, variables)
    used = _used_sources(entries, pipelines, sources)
    places = lakes_of(entries, used).union(destinations)
    builder = ManifestBuilder(values, selected, used, places, network=network, lenient=lenient)
    manifest = builder.read_manifest(_merge(document, top, entries), readable=top is not None)
    References(root, findings, variables).check({name: found or {} for name, found in entries.items()})
    if len(findings):
        raise ManifestError(findings.mistakes())
    if selected not in manifest.environments:
        hint = did_you_mean(selected, list(manifest.environments), what="The environments are")
        raise UsageError(f"there is no environment {quoted(selected)} in {MANIFEST_NAME}.", hint=hint)
    files = (root / MANIFEST_NAME, *sections.files)
    return Reading(
        bind_environment(manifest, selected), selected, variables.secrets, dict(values.missing), files
    )


def _read_top(root: Path, findings: Findings) -> tuple[Document, Node | None]:
    if not (root / MANIFEST_NAME).is_file():
        document = findings.open(MANIFEST_NAME)
        hint = "Go to a project's folder, name it with --project, or make one: pipeline-cli init."
        if (root / "pipelines.yml").is_file():
            hint = "Rename pipelines.yml to pipelines.yaml."
        findings.add(
            codes.UNREADABLE, Place(document), f"there is no {MANIFEST_NAME} in {root.name or root}.", hint
        )
        return document, None
    document, top = read_document(root / MANIFEST_NAME, MANIFEST_NAME, findings)
    if top is None or isinstance(top, MappingNode):
        return document, top
    hint = "Begin with version: 1, and write each section as a key."
    findings.add(codes.WRONG_SHAPE, top, f"{MANIFEST_NAME} must be a map of keys.", hint)
    return document, None


def _used_sources(
    entries: Entries, pipelines: Collection[str] | None, sources: Collection[str] | None
) -> frozenset[str] | None:
    """The sources whose variables are demanded; None for all of them."""
    if pipelines is None and sources is None:
        return None
    used = set(sources or ())
    for name, entry in (entries["pipelines"] or {}).items():
        listed = child(entry.value, "sources") if name in (pipelines or ()) else None
        if isinstance(listed, SequenceNode):
            used.update(item.text for item in listed.items if isinstance(item, Scalar))
        elif isinstance(listed, Scalar):
            used.add(listed.text)
    return frozenset(used)


def _default_environment(top: Node | None, variables: Variables) -> str:
    node = child(top, "default_environment")
    return variables.fill(node.text).text if isinstance(node, Scalar) else ""


def _merge(document: Document, top: Node | None, entries: Entries) -> MappingNode:
    """The top of the manifest with the entries of section files beside the inline ones."""
    merged = MappingNode(document, 1, 1, 1, 1)
    merged.entries = dict(top.entries) if isinstance(top, MappingNode) else {}
    for section, found in entries.items():
        if section == "pipelines" and found:
            found = with_defaults(top, found)
        inline = merged.entries.get(section)
        if inline is None and not found:
            continue
        key = inline.key if inline else Scalar(document, 1, 1, 1, 1)
        node: Broken | MappingNode
        if found is None:
            node = Broken(document, 1, 1, 1, 1)
        else:
            node = MappingNode(document, 1, 1, 1, 1)
            node.entries, node.owner = found, key
        merged.entries[section] = Entry(key, node)
    return merged


class ManifestBuilder(Builder):
    """A Builder that knows the sections: their types, and which entries the selected environment needs."""

    def __init__(
        self,
        values: Values,
        selected: str,
        used_sources: frozenset[str] | None,
        used_places: set[str],
        *,
        network: bool,
        lenient: bool,
    ) -> None:
        super().__init__(values)
        self.selected = selected
        self.used_sources = used_sources
        self.used_places = used_places
        self.network = network
        self.lenient = lenient
        self.environment: Environment | None = None
        self.copied: str | None = None  # the environment that the selected one is a copy of

    def read_manifest(self, top: MappingNode, *, readable: bool) -> Any:
        """The Manifest, or INVALID. Without a `readable` pipelines.yaml the section files are read for mistakes."""
        if readable:
            return self.read_record(Manifest, top, MANIFEST_NAME)
        for section, entry in top.entries.items():
            field = fields_of(Manifest)[section]
            self.read(field.hint, entry.value, field)
        return INVALID

    def read_map(self, hint: Any, node: Node, field: Field) -> Any:
        """As in Builder; the entries of a section by their `type`, each with its own demand for variables."""
        if field.names != "entries" or not isinstance(node, MappingNode):
            return super().read_map(hint, node, field)
        if field.name == "environments" and self.selected in node.entries:
            original = child(node.entries[self.selected].value, "copy_of")
            self.copied = original.text if isinstance(original, Scalar) else None
        built = {}
        for name, entry in node.entries.items():
            self.values.entry, self.values.demand = f"{field.name}.{name}", self._demand(field.name, name)
            is_name = self.check_name(name, entry.key, "entries")
            kind = None if field.named is None else self._kind_of(name, entry.value, field.named)
            value = self.read(kind or hint, entry.value, Field(name, hint, True, {}))
            built[name] = value if is_name else INVALID
        self.values.entry, self.values.demand = "", "needed"
        if field.name == "environments":
            selected = built.get(self.selected)
            self.environment = selected if isinstance(selected, Environment) else None
            original = built.get(self.environment.copy_of or "") if self.environment else None
            if isinstance(original, Environment):  # whose destination and recordings the copy has
                self.environment = original
        return INVALID if any(value is INVALID for value in built.values()) else built

    def _kind_of(self, name: str, node: Node, section: str) -> type | None:
        """What an entry is by its type or its name; None for options of the project's own plugin."""
        given = child(node, "type")
        kind = given.text if isinstance(given, Scalar) else name
        if kind not in KINDS[section] and name in KINDS[section]:
            kind = name
        if kind not in KINDS[section] or (
            given is None and (self.values.root / f"plugins/{name}.py").is_file()
        ):
            return None
        return load_kind(section, kind)

    def _demand(self, section: str, name: str) -> Demand:
        """How badly an entry's variables are needed; where the environment is wrong, nothing is demanded."""
        if self.lenient:
            return "listed"
        if section == "environments":
            return "needed" if name in (self.selected, self.copied) else "listed"
        if section == "plugins" or (self.environment is None and section in ("destinations", "sources")):
            return "listed"
        if section == "destinations":
            own = self.environment is not None and self.environment.destination == name
            return "needed" if own or name in self.used_places else "listed"
        if section == "sources" and self.used_sources is not None and name not in self.used_sources:
            return "listed"
        if section == "sources" and self.environment and self.environment.replay and not self.network:
            return "replayed"
        return "needed"
