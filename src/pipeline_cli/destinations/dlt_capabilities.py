"""What dlt's destinations can do, looked up once: dlt asks twenty times a load, and looks through its settings."""

from __future__ import annotations

import copy
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dlt.common.destination import DestinationCapabilitiesContext
    from dlt.common.normalizers.naming import NamingConvention


class KnownCapabilities:
    """For a class that is one of dlt's destinations, too, and not one that changes what it can do by its settings."""

    @cached_property
    def _known(self) -> DestinationCapabilitiesContext:
        return super().capabilities()  # type: ignore[misc, no-any-return]

    def capabilities(
        self: Any, config: Any = None, naming: NamingConvention | None = None
    ) -> DestinationCapabilitiesContext:
        """As dlt's; a copy, which whoever asks may change."""
        if config is not None:
            return super().capabilities(config, naming)  # type: ignore[misc, no-any-return]
        found = self.adjust_capabilities(copy.copy(self._known), self.spec(), naming)
        found.update(self.caps_params)  # as dlt does after it: what was said has the last word
        return found  # type: ignore[no-any-return]
