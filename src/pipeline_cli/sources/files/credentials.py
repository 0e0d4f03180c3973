"""The manifest's credentials in the words of s3fs and gcsfs."""

from __future__ import annotations

from typing import Any

from pipeline_cli.manifest.files import FileCredentials


def s3_options(said: FileCredentials) -> dict[str, Any]:
    return {
        "key": said.aws_access_key_id,
        "secret": said.aws_secret_access_key,
        "token": said.aws_session_token,
        "anon": said.anonymous,
        "endpoint_url": said.endpoint_url,
        "profile": said.profile_name,
        "client_kwargs": {"region_name": said.region_name} if said.region_name else {},
        "config_kwargs": {"connect_timeout": 10, "retries": {"max_attempts": 3}},
    }


def gcs_options(said: FileCredentials) -> dict[str, Any]:
    token: Any = "anon" if said.anonymous else None
    if said.private_key:
        token = {
            "type": "service_account",
            "client_email": said.client_email,
            "private_key": said.private_key.replace("\\n", "\n"),
            "project_id": said.project_id,
            "token_uri": "https://oauth2.googleapis.com/token",
        }
    return {"token": token, "project": said.project_id, "endpoint_url": said.endpoint_url}
