"""SFTP, to servers whose keys are known: fsspec's own class takes any."""

from __future__ import annotations

from typing import Any

from pipeline_cli.manifest.files import FileCredentials


def open_sftp(url: str, said: FileCredentials) -> Any:
    """The fsspec file system of an sftp:// address. Raises what paramiko raises."""
    import paramiko
    from fsspec.implementations.sftp import SFTPFileSystem

    class KnownHosts(SFTPFileSystem):  # type: ignore[misc]
        def _connect(self) -> None:
            self.client = paramiko.SSHClient()
            if said.sftp_accept_any_host:
                self.client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
            elif said.sftp_known_hosts:
                self.client.load_host_keys(said.sftp_known_hosts)
            else:
                self.client.load_system_host_keys()
            self.client.connect(self.host, **self.ssh_kwargs)
            self.ftp = self.client.open_sftp()

    address = SFTPFileSystem._get_kwargs_from_urls(url)
    options = {
        "port": said.sftp_port or address.get("port") or 22,
        "username": said.sftp_username or address.get("username"),
        "password": said.sftp_password or address.get("password"),
        "key_filename": said.sftp_key_filename,
        "passphrase": said.sftp_key_passphrase,
        "timeout": 30,
    }
    return KnownHosts(host=address["host"], skip_instance_cache=True, **options)
