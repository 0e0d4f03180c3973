"""Runs, steps and their lineage as OpenLineage events (https://openlineage.io/docs/spec/object-model).

The events are plain JSON: OpenLineage's client would bring transports that are told where to send by variables and
files of their own, and nothing goes out here that the manifest does not name. The tests read every event with the
client's classes.
"""
