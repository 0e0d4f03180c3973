"""Looking at pipelines from outside: what the ledger says of them, against what the manifest expects."""
