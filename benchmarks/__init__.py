"""make bench and make bench-files: how fast pipeline-cli is, as ratios within one run."""
