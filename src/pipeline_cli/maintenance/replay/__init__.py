"""Rejected records through the gate again: of APIs and Python sources as rows, of files and databases by column."""
