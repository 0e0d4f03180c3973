"""How one step of a run is done: ingest, transform, test."""
