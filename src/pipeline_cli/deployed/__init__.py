"""What an environment runs: the manifest's parts as its runs took them, kept in its warehouse."""
