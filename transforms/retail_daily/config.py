from pipeline_cli import sqlmesh_config

config = sqlmesh_config(__file__)
