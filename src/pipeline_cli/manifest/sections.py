"""Where entries stand: inline in pipelines.yaml, or in `<section>/<name>.yaml`; never in both."""

from __future__ import annotations

from pathlib import Path

from pipeline_cli.manifest import codes
from pipeline_cli.manifest.document import read_document
from pipeline_cli.manifest.findings import Findings
from pipeline_cli.manifest.nodes import Broken, Entry, Mapping, Node, Place, Scalar
from pipeline_cli.manifest.scalars import is_null

FILE_SECTIONS = ("destinations", "sources", "transforms", "reports", "plugins")


class SectionReader:
    """Gathers the entries of sections; `files` are those read, in order."""

    def __init__(self, root: Path, findings: Findings) -> None:
        self.root = root
        self.findings = findings
        self.files: list[Path] = []

    def read(self, section: str, top: Node | None) -> dict[str, Entry] | None:
        """The entries of a section by name; None when the section in pipelines.yaml is not a map."""
        inline = top.entries.get(section) if isinstance(top, Mapping) else None
        entries = self._inline(section, inline)
        if section not in FILE_SECTIONS:
            return entries
        for path in self._files(section):
            entry = self._file_entry(section, path)
            other = None if entries is None else entries.get(path.stem)
            if other is not None:
                message = f"{path.stem} stands in pipelines.yaml and in {section}/{path.name}."
                hint = "Keep one of them: an entry is inline or in a file of its own."
                self.findings.add(codes.TWO_PLACES, other.key, message, hint)
            elif entries is not None:
                entries[path.stem] = entry
        return entries

    def _inline(self, section: str, inline: Entry | None) -> dict[str, Entry] | None:
        if inline is None:
            return {}
        node = inline.value
        if isinstance(node, Mapping):
            return dict(node.entries)
        if isinstance(node, Scalar) and node.plain and is_null(node.text):
            return {}
        hint = f"Write the {section} as a map: a name, a colon, and the entry's keys below."
        self.findings.add(codes.WRONG_SHAPE, node, f"{section} must be a map of names to entries.", hint)
        return None

    def _files(self, section: str) -> list[Path]:
        folder = self.root / section
        try:
            found = sorted(path for path in folder.iterdir() if path.suffix in (".yaml", ".yml"))
        except OSError:  # no such folder: every entry is inline
            return []
        usable = []
        for path in found:
            name = f"{section}/{path.name}"
            if path.name.startswith(".") or path.is_dir():
                continue
            if path.suffix == ".yml":
                hint = f"Rename it to {path.stem}.yaml, or move it into a folder below {section}/."
                place = Place(self.findings.open(name))
                self.findings.add(codes.UNREADABLE, place, f"{name} is not read: entries end in .yaml.", hint)
            elif not self._is_inside(path) or not path.is_file():
                place = Place(self.findings.open(name))
                self.findings.add(codes.BAD_PATH, place, f"{name} is not a file of this project.")
            else:
                usable.append(path)
        return usable

    def _is_inside(self, path: Path) -> bool:
        try:
            return not path.is_symlink() or path.resolve().is_relative_to(self.root.resolve())
        except (OSError, RuntimeError):  # a loop of links
            return False

    def _file_entry(self, section: str, path: Path) -> Entry:
        self.files.append(path)
        document, node = read_document(path, f"{section}/{path.name}", self.findings)
        key = Scalar(document, 1, 1, 1, 1)
        key.text, key.plain = path.stem, False
        if node is None or self._repeats_name(node, path.stem):
            node = Broken(document, 1, 1, 1, 1)
        return Entry(key, node)

    def _repeats_name(self, node: Node, name: str) -> bool:
        """A file that holds `crm: {…}` rather than the entry: the commonest slip, so it gets its own words."""
        if not isinstance(node, Mapping) or list(node.entries) != [name]:
            return False
        hint = f"Remove the line {name}: and the indentation below it."
        message = f"the file's name is the entry's name; {name} does not stand in it again."
        self.findings.add(codes.WRONG_SHAPE, node.entries[name].key, message, hint)
        return True
