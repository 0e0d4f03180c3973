"""Cards on paper: how high they are beside one another."""

from __future__ import annotations

import pytest

from pipeline_cli.reports.paper.cards import Card, Part
from pipeline_cli.reports.paper.layout import Row


@pytest.mark.parametrize(("content", "is_stretched"), [(50.0, False), (400.0, True)])
def test_a_card_that_would_be_mostly_empty_is_not_as_high_as_its_neighbour(
    content: float, is_stretched: bool
) -> None:
    high, other = Card(100, "", [Part("", 500)]), Card(100, "", [Part("", content)])
    drawn = Row([(0, high), (120, other)]).draw()
    assert drawn.count(f'height="{high.height - 1:.1f}"') == 1 + is_stretched
