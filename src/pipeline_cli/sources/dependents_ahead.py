"""Dependent resources side by side: the first requests of a page of parents are expected, in the parents' order."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from dlt.extract.items_transform import ItemTransform
from dlt.sources.rest_api.config_setup import process_parent_data_item

if TYPE_CHECKING:
    import requests

    from pipeline_cli.sources.read_ahead import ReadAhead


class ExpectDependents(ItemTransform[Any, Any]):
    """First step of a dependent resource: sees the parents' records, and hands them on as they are.

    arguments: those that dlt gives `paginate_dependent_resource`. Not for a resource with a cursor of its own: where
    that begins is known only when dlt asks.
    """

    placement_affinity: ClassVar[float] = -1  # behind ReceivedStep

    def __init__(self, arguments: Mapping[str, Any], ahead: ReadAhead) -> None:
        super().__init__(lambda item: item)
        self._arguments = arguments
        self._ahead = ahead

    def __call__(self, item: Any, meta: Any = None) -> Any:
        if isinstance(item, list) and len(item) > 1 and self._arguments["incremental_object"] is None:
            self._ahead.expect_all(self._requests(item))
        return item

    def _requests(self, parents: Sequence[Any]) -> Iterator[requests.Request]:
        given = self._arguments
        for parent in parents:
            filled = process_parent_data_item(
                path=given["path"],
                item=parent,
                resolved_params=given["resolved_params"],
                headers=given["headers"],
                params=copy.deepcopy(given["params"]),
                request_json=copy.deepcopy(given["json"]),
                include_from_parent=given["include_from_parent"],
            )
            request = given["client"]._create_request(
                path_or_url=filled.path,
                method=given["method"],
                headers=filled.headers,
                params=filled.params,
                json=filled.json,
                auth=given["client"].auth,
            )
            copy.deepcopy(given["paginator"]).init_request(request)
            yield request
