"""Pictures of lineage: where boxes and lines stand, what a picture holds, and that names are never markup."""

from __future__ import annotations

import re
from itertools import combinations
from xml.etree import ElementTree

import pytest

from pipeline_cli.lineage.graph import Column, Lineage, Relation
from pipeline_cli.site.diagrams import Diagram, of_relation, of_tables
from pipeline_cli.site.drawing import draw_narrow, draw_wide
from pipeline_cli.site.layout import PAGE, Placed, Plan, lay_out
from pipeline_cli.site.letters import fit, width_of
from tests.unit.lineage.world import make_lineage, relation


def chain(size: int, columns: int = 2) -> Lineage:
    """Models that each read all before them: lines of every length."""
    names = " ".join(f"c{number}" for number in range(columns))
    relations = [
        relation(f"gold_s.m{number}", "model", names, *(f"gold_s.m{before}" for before in range(number)))
        for number in range(size)
    ]
    made_of = {
        Column(f"gold_s.m{number}", f"c{place}"): frozenset(
            Column(f"gold_s.m{before}", f"c{place}") for before in range(number)
        )
        for number in range(1, size)
        for place in range(columns)
    }
    return Lineage({one.id: one for one in relations}, made_of)


def href(relation: Relation, row: str | None) -> str:
    return f"{relation.name}.html{f'#{row}' if row else ''}"


def overlaps(plan: Plan) -> list[tuple[str, str]]:
    def apart(one: Placed, other: Placed) -> bool:
        beside = one.x + one.width <= other.x or other.x + other.width <= one.x
        return beside or one.y + one.height <= other.y or other.y + other.height <= one.y

    return [(a, b) for (a, one), (b, other) in combinations(plan.boxes.items(), 2) if not apart(one, other)]


@pytest.mark.parametrize(
    "diagram", [of_tables(chain(7), chain(7).relations), of_relation(chain(6, 5), "gold_s.m3")]
)
def test_no_box_stands_over_another_and_all_are_in_the_picture(diagram: Diagram) -> None:
    plan = lay_out(diagram)
    assert overlaps(plan) == []
    for box in plan.boxes.values():
        assert box.x >= 0 and box.y >= 0
        assert box.x + box.width <= plan.width and box.y + box.height <= plan.height


def test_lines_go_from_left_to_right_and_through_no_box() -> None:
    diagram = of_tables(chain(6), chain(6).relations)
    plan = lay_out(diagram)
    for line in diagram.lines:
        points = plan.stations(line)
        assert [x for x, _ in points] == sorted(x for x, _ in points)
        for (x1, y), (x2, _) in zip(points[1:-1:2], points[2:-1:2], strict=True):
            assert not [
                name
                for name, box in plan.boxes.items()
                if box.x < x2 and x1 < box.x + box.width and box.y < y < box.y + box.height
            ]


def test_layers_stand_from_the_source_to_the_report() -> None:
    diagram = of_relation(make_lineage(), "gold_shop.sales")
    assert [(box.layer, box.column) for box in diagram.boxes] == [
        ("Source", 0),
        ("Bronze", 1),
        ("Silver", 2),
        ("Gold", 3),
        ("Report", 4),
    ]


def test_a_tables_picture_shows_the_columns_that_matter_to_it() -> None:
    rows = {box.relation.id: box.rows for box in of_relation(make_lineage(), "gold_shop.sales").boxes}
    assert rows == {
        "source:shop.orders": ["amount"],
        "bronze_shop.orders": ["amount"],
        "silver_shop.stg_orders": ["amount"],
        "gold_shop.sales": ["orders", "revenue"],
        "report:sales": ["kpis"],
    }


def test_counted_rows_are_a_line_from_the_table_itself() -> None:
    lines = of_relation(make_lineage(), "gold_shop.sales").lines
    assert (("silver_shop.stg_orders", None), ("gold_shop.sales", "orders")) in lines


def test_a_table_of_many_columns_is_shown_without_them() -> None:
    diagram = of_relation(chain(3, 41), "gold_s.m1")
    assert not diagram.has_rows
    assert (("gold_s.m0", None), ("gold_s.m1", None)) in diagram.lines


def test_a_circle_of_tables_is_drawn() -> None:
    one, other = (
        relation("gold_s.a", "model", "x", "gold_s.b"),
        relation("silver_s.b", "model", "x", "gold_s.a"),
    )
    one.parents = {"silver_s.b"}
    lineage = Lineage({one.id: one, other.id: other})
    diagram = of_tables(lineage, lineage.relations)
    assert ElementTree.fromstring(draw_wide(diagram, "both", href)) is not None
    assert ElementTree.fromstring(draw_narrow(diagram, "both", href)) is not None


@pytest.mark.parametrize("draw", [draw_wide, draw_narrow])
def test_names_are_never_markup(draw: object) -> None:
    wicked = relation('gold_s.<script>alert("x")</script>', "model", "<b>&'\"", "gold_s.m0")
    lineage = Lineage({"gold_s.m0": relation("gold_s.m0", "model", "c"), wicked.id: wicked})
    lineage.made_of[Column(wicked.id, "<b>&'\"")] = frozenset({Column("gold_s.m0", "c")})
    svg = draw(of_relation(lineage, wicked.id), "<i>label</i>", href)  # type: ignore[operator]
    root = ElementTree.fromstring(svg)
    assert {element.tag for element in root.iter()} <= {
        "svg",
        "path",
        "g",
        "a",
        "title",
        "rect",
        "text",
        "circle",
    }
    assert root.attrib["aria-label"] == "<i>label</i>"


def test_the_narrow_picture_is_as_wide_as_a_phone_and_keeps_lines_apart() -> None:
    svg = draw_narrow(of_tables(chain(6), chain(6).relations), "all", href)
    root = ElementTree.fromstring(svg)
    assert float(root.attrib["width"]) <= 340
    starts = [float(value) for value in re.findall(r'd="M(-?[\d.]+)', svg)]
    assert min(starts) > 0


def test_a_wide_picture_takes_the_page_and_not_more_where_it_can() -> None:
    plan = lay_out(of_tables(make_lineage(), make_lineage().relations))
    assert 0.6 * PAGE < plan.width <= PAGE


def test_long_names_keep_both_their_ends() -> None:
    name = "fact_customer_lifetime_value_by_region_and_month"
    short = fit(name, 12, 120)
    assert width_of(short, 12) <= 121
    assert short.startswith("fact_") and short.endswith("month") and "…" in short
    assert fit("id", 12, 120) == "id"
