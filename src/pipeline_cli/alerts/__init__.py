"""Alerts: what of a run is trouble (troubles), whom to tell (planning), in which words, and that it arrives."""
