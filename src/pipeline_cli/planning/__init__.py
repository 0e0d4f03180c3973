"""`plan` and `apply`: what a change of the manifest, the code or a source does, said before it is done.

Not to be taken for `pipeline_cli.plan`, which lists the steps of a run.
"""
