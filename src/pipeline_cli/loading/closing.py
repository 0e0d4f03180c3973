"""A load package, loaded: its account is closed before dlt writes the load's own row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline_cli.destinations.base import Warehouse
from pipeline_cli.loading.account import LoadAccount
from pipeline_cli.loading.open_loads import noted

if TYPE_CHECKING:
    from dlt.common.pipeline import LoadInfo
    from dlt.pipeline.pipeline import Pipeline


def package_folder(pipeline: Pipeline, load_id: str) -> Path:
    """Where a normalized load package stands."""
    packages = pipeline._get_load_storage().normalized_packages
    return Path(packages.storage.storage_path) / load_id


def extracted_folder(pipeline: Pipeline, load_id: str) -> Path:
    """Where a load package stands that is not normalized yet."""
    packages = pipeline._get_normalize_storage().extracted_packages
    return Path(packages.storage.storage_path) / load_id


def load_normalized(pipeline: Pipeline, warehouse: Warehouse) -> tuple[LoadInfo, dict[str, int]]:
    """Load the package that waits.

    Returns what dlt tells of it, and the rows by table that the destination holds as this load's; of a package
    without an account, none. Raises dlt's PipelineStepFailed, of an AccountError too.
    """
    held: dict[str, int] = {}

    def close(load_id: str) -> None:
        account = LoadAccount.read(package_folder(pipeline, load_id))
        if account is not None:
            with closing(warehouse.connect()) as connection:
                held.update(account.close(connection, load_id))

    with (
        warehouse.writing(),
        noted(warehouse, pipeline.dataset_name, pipeline.list_normalized_load_packages()),
        _before_completion(pipeline.destination, close),
    ):
        info = pipeline.load()
        info.raise_on_failed_jobs()
    return info, held


@contextmanager
def _before_completion(destination: Any, work: Callable[[str], None]) -> Iterator[None]:
    """`work(load_id)` when all jobs of a package are done, and dlt is about to write its row in `_dlt_loads`."""
    make_client = destination.client

    def client(*arguments: Any, **options: Any) -> Any:
        made = make_client(*arguments, **options)
        complete = made.complete_load

        def complete_load(load_id: str) -> None:
            work(load_id)
            complete(load_id)

        made.complete_load = complete_load
        return made

    destination.client = client
    try:
        yield
    finally:
        destination.client = make_client
