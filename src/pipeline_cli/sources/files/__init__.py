"""The `filesystem` source: files of a folder, a bucket or a server, read as columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline_cli.sources.scan import ColumnSource

if TYPE_CHECKING:
    from pipeline_cli.project import Project


def open_files(project: Project, name: str) -> ColumnSource:
    """The resources of a filesystem entry. Nothing is listed or read before a resource's `scans`.

    `notes` fills while they are read: how each file is written, as found out or declared.
    """
    from pipeline_cli.sources.files.resource import FilesResource

    entry = project.manifest.sources[name]
    notes: list[str] = []
    resources = [
        FilesResource(project, name, entry, resource_name, notes) for resource_name in entry.resources
    ]
    return ColumnSource(name, resources, notes)
