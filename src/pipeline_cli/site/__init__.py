"""The project as one static site: pipelines, runs, reports, quarantine, tables, lineage."""
