"""The faker source in the manifest: what it takes, and each mistake in its place."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline_cli.errors import ManifestError
from pipeline_cli.manifest import codes, faker_names
from pipeline_cli.manifest.faker import COLUMN_KINDS, FakerColumn, FakerSource, Sequence, kind_of
from pipeline_cli.manifest.reader import read_manifest
from tests.unit.manifest.helpers import HEAD, TAIL, mistakes, only, read, write
from tests.unit.manifest.test_schema import accepts
from tests.unit.sources.faker.samples import CUSTOMER_360, RETAIL


def table(columns: str, *, rows: int = 10, more: str = "", source: str = "") -> str:
    """A faker source with a table `people` of these columns (flow style), and a table `teams` beside it."""
    return (
        f"sources:\n  made:\n    type: faker\n{source}    resources:\n"
        f"      people: {{rows: {rows}, columns: {{{columns}}}{more}}}\n"
        "      teams: {rows: 5, columns: {id: sequence, code: {provider: pystr, unique: true}, city: city}}\n"
    )


def entry(root: Path, body: str) -> FakerSource:
    found: FakerSource = read(root, body).manifest.sources["made"]
    return found


def column(root: Path, keys: str) -> FakerColumn | str:
    return (
        entry(root, table(f"x: {keys}, name: name, at: {{date: [-1d, today]}}"))
        .resources["people"]
        .columns["x"]
    )


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("city", "city"),
        ("sequence", "sequence"),
        ("{sequence: {start: 100, step: 5}}", FakerColumn(sequence=Sequence(start=100, step=5))),
        ("{provider: pystr, arguments: {max_chars: 5}, locale: de_DE}",
         FakerColumn(provider="pystr", arguments={"max_chars": 5}, locale=("de_DE",))),
        ("{one_of: [1, 2]}", FakerColumn(one_of=[1, 2])),
        ("{one_of: {Cash: 20, Credit Card: 80.5}}", FakerColumn(one_of={"Cash": 20, "Credit Card": 80.5})),
        ("{integer: [1, 50], unique: true}", FakerColumn(integer=(1, 50), unique=True)),
        ("{decimal: [0.005, 1], places: 3}", FakerColumn(decimal=(0.005, 1.0), places=3)),
        ("{date: [2025-01-31, today]}", FakerColumn(date=("2025-01-31", "today"))),
        ("{timestamp: [-30d, '2025-12-31T12:00:00+02:00']}",
         FakerColumn(timestamp=("-30d", "2025-12-31T12:00:00+02:00"))),
        ("{boolean: 0.3, null: 0.05}", FakerColumn(boolean=0.3, null=0.05)),
        ("{constant: EUR}", FakerColumn(constant="EUR")),
        ('{template: "{name|lower|slug}-{at}{{}}"}', FakerColumn(template="{name|lower|slug}-{at}{{}}")),
        ("{ref: teams.id, distribution: skewed}", FakerColumn(ref="teams.id", distribution="skewed")),
        ("{after: at, delay: [10m, 14d], null: {name: [Ann, Bob]}}",
         FakerColumn(after="at", delay=(timedelta(minutes=10), timedelta(days=14)), null={"name": ["Ann", "Bob"]})),
    ],
)  # fmt: skip
def test_every_way_to_say_a_column_is_read(tmp_path: Path, keys: str, expected: Any) -> None:
    assert column(tmp_path, keys) == expected
    body = table(f"x: {keys}, name: name, at: {{date: [-1d, today]}}")
    assert accepts(HEAD + body + TAIL)


def test_every_kind_of_column_knows_itself(tmp_path: Path) -> None:
    samples: dict[str, Any] = {
        "provider": "city", "sequence": Sequence(), "one_of": [1], "integer": (1, 2), "decimal": (1.0, 2.0),
        "double": (0.0, 1.0), "date": ("-1d", "today"), "timestamp": ("-1d", "today"), "boolean": 0.0,
        "constant": 0, "template": "", "ref": "a.b", "after": "x",
    }  # fmt: skip
    assert set(samples) == set(COLUMN_KINDS)
    assert [kind_of(FakerColumn(**{kind: value})) for kind, value in samples.items()] == list(samples)
    assert kind_of(FakerColumn(provider="uuid4")) == "uuid4"


def test_generated_tables_begin_anew_and_may_be_told_otherwise(tmp_path: Path) -> None:
    assert entry(tmp_path, table("x: city")).resources["people"].write_disposition == "replace"
    more = ", write_disposition: merge, primary_key: x"
    assert entry(tmp_path, table("x: sequence", more=more)).resources["people"].write_disposition == "merge"


@pytest.mark.parametrize("body", [RETAIL, CUSTOMER_360])
def test_the_sample_sources_are_read_and_are_right_for_editors_too(tmp_path: Path, body: str) -> None:
    assert read(tmp_path, f"sources:\n{body}").manifest.sources
    assert accepts(f"{HEAD}sources:\n{body}{TAIL}")


@pytest.mark.parametrize(
    ("keys", "code", "message"),
    [
        # One way to say it
        ("{unique: true}", codes.MISSING_KEY, "'x' does not say what its values are."),
        ("{integer: [1, 2], one_of: [3]}", codes.WRONG_VALUE,
         "'x' says in several ways what its values are: integer and one_of."),
        ("{integr: [1, 2]}", codes.UNKNOWN_KEY, "x does not know the key 'integr'."),
        ("{sequence: }", codes.WRONG_VALUE, "sequence has no value."),
        ("{one_of: }", codes.WRONG_VALUE, "one_of has no value."),
        ("{integer: [1, 2], places: 2}", codes.UNKNOWN_KEY, "places goes with decimal."),
        ("{provider: uuid4, arguments: {a: 1}}", codes.UNKNOWN_KEY, "uuid4 takes no arguments."),
        ("{constant: x, locale: de_DE}", codes.UNKNOWN_KEY, "locale goes with provider."),
        ("[1]", codes.WRONG_SHAPE, "x must be a map or text, and this is a list."),
        ("", codes.WRONG_VALUE, "x has no value; it must be text."),
        # Providers
        ("cty", codes.NOT_A_CHOICE, "Faker has no provider 'cty' for en_US."),
        ("{provider: frist_name}", codes.NOT_A_CHOICE, "Faker has no provider 'frist_name' for en_US."),
        ("{provider: prefecture}", codes.NOT_A_CHOICE, "Faker has no provider 'prefecture' for en_US."),
        ("{provider: city, locale: xx_YY}", codes.NOT_A_CHOICE, "Faker knows no locale 'xx_YY'."),
        # Ranges
        ("{integer: [50, 1]}", codes.WRONG_VALUE, "integer: '50' is more than '1'."),
        ("{integer: 5}", codes.WRONG_VALUE, "integer needs two values: the smallest and the largest."),
        ("{integer: [1, 2, 3]}", codes.WRONG_VALUE, "integer needs two values: the smallest and the largest."),
        ("{integer: [1.5, 2]}", codes.WRONG_VALUE, "integer must be a whole number, not '1.5'."),
        ("{integer: [1, 9223372036854775808]}", codes.WRONG_VALUE,
         "integer: '9223372036854775808' does not fit into 64 bits."),
        ("{integer: [-9223372036854775807, 9223372036854775807]}", codes.WRONG_VALUE,
         "integer: the range is wider than 64 bits."),
        ("{decimal: [10, 9.99]}", codes.WRONG_VALUE, "decimal: '10' is more than '9.99'."),
        ("{decimal: [0.005, 1]}", codes.WRONG_VALUE, "'0.005' has more than 2 places."),
        ("{decimal: [0, 10000000000000000]}", codes.WRONG_VALUE,
         "decimal takes 18 digits, its places among them."),
        ("{date: [yesterday, today]}", codes.WRONG_VALUE, "date: 'yesterday' is not a time."),
        ("{date: [2025-02-30, today]}", codes.WRONG_VALUE, "date: '2025-02-30' is not a time."),
        ("{timestamp: [today, -1s]}", codes.WRONG_VALUE, "timestamp: 'today' is more than '-1s'."),
        ("{sequence: {step: 0}}", codes.WRONG_VALUE, "step is 0: every row would have the same number."),
        ("{sequence: {start: 9223372036854775807}}", codes.WRONG_VALUE, "this sequence runs out of 64 bits."),
        ("{boolean: 1.5}", codes.WRONG_VALUE, "boolean is a share: from 0 to 1."),
        ("{integer: [1, 2], null: 5}", codes.WRONG_VALUE, "null is a share: from 0 to 1."),
        ("{integer: [1, 2], null: -0.5}", codes.WRONG_VALUE, "null must be at least 0, not '-0.5'."),
        # Choices
        ("{one_of: []}", codes.WRONG_VALUE, "one_of needs a list of values, or a map from values to weights."),
        ("{one_of: [a, 1]}", codes.WRONG_VALUE, "one_of mixes texts with numbers or truth values."),
        ("{one_of: [a, a]}", codes.WRONG_VALUE, "'a' stands twice in one_of."),
        ("{one_of: [a, ]}", None, ""),
        ("{one_of: [a, null]}", codes.WRONG_VALUE, "one_of takes texts, numbers, true and false."),
        ("{one_of: {a: 1, b: -1}}", codes.WRONG_VALUE, "the weight of 'b' must be a number from 0."),
        ("{one_of: {a: much}}", codes.WRONG_VALUE, "the weight of 'a' must be a number from 0."),
        ("{one_of: {a: 0, b: 0}}", codes.WRONG_VALUE, "the weights of one_of add up to 0."),
        ("{one_of: {'1': 1}}", codes.WRONG_VALUE, "'1' would be read as a number or a truth value."),
        ("{one_of: {010: 1}}", codes.WRONG_VALUE, "'010' would be read as a number or a truth value."),
        ("{constant: [1]}", codes.WRONG_SHAPE, "constant must be a single value."),
        # Other columns
        ('{template: "{nam}"}', codes.UNKNOWN_NAME, "'nam' is not a column of people."),
        ('{template: "{name|loud}"}', codes.WRONG_VALUE,
         "template knows no modifier 'loud', only lower, upper, title, slug, first."),
        ('{template: "{name"}', codes.WRONG_VALUE,
         "template is no template: expected '}' before end of string; a brace itself is written {{ or }}."),
        ("{ref: teams}", codes.WRONG_VALUE, "ref must be TABLE.COLUMN, not 'teams'."),
        ("{ref: team.id}", codes.UNKNOWN_NAME, "'team' is not one of the resources."),
        ("{ref: teams.ids}", codes.UNKNOWN_NAME, "'ids' is not one of the columns of teams."),
        ("{ref: teams.city}", codes.WRONG_VALUE,
         "teams.city may hold a value twice, so a reference to it names no row."),
        ("{ref: people.x}", codes.WRONG_VALUE, "people.x may hold a value twice, so a reference to it names no row."),
        ("{after: name, delay: [1h, 2h]}", codes.WRONG_VALUE,
         "'name' is no date and no timestamp: nothing comes after it."),
        ("{after: at}", codes.MISSING_KEY, "after needs the key delay."),
        ("{after: at, delay: [2h, 1h]}", codes.WRONG_VALUE, "delay: the first is longer than the second."),
        ("{after: at, delay: 2h}", codes.WRONG_VALUE, "delay needs two values: the smallest and the largest."),
        ("{constant: 1, null: {nmae: Ann}}", codes.UNKNOWN_NAME, "'nmae' is not a column of people."),
        # Uniqueness
        ("{integer: [1, 9], unique: true}", codes.WRONG_VALUE,
         "'x' can have 9 different values, and people has 10 rows."),
        ("{decimal: [0, 0.08], unique: true}", codes.WRONG_VALUE,
         "'x' can have 9 different values, and people has 10 rows."),
        ("{date: [-8d, today], unique: true}", codes.WRONG_VALUE,
         "'x' can have 9 different values, and people has 10 rows."),
        ("{one_of: [a, b], unique: true}", codes.WRONG_VALUE,
         "'x' can have 2 different values, and people has 10 rows."),
        ("{boolean: 0.5, unique: true}", codes.WRONG_VALUE,
         "'x' can have 2 different values, and people has 10 rows."),
        ("{ref: teams.id, unique: true}", codes.WRONG_VALUE,
         "'x' can have 5 different values, and people has 10 rows."),
        ("{double: [0, 1], unique: true}", codes.WRONG_VALUE, "double cannot be unique."),
        ('{template: "{name}@x", unique: true}', codes.WRONG_VALUE, "this template may give one text twice."),
        ('{template: "{name}{id}", unique: true}', codes.WRONG_VALUE, "this template may give one text twice."),
        ('{template: "{name}{id}{at}", unique: true}', codes.WRONG_VALUE,
         "this template may give one text twice."),
        ('{template: "{name}-{id|first}", unique: true}', codes.WRONG_VALUE,
         "this template may give one text twice."),
        ('{template: "{name}.{id}@x", unique: true}', None, ""),
        ('{template: "{key}{name}", unique: true}', None, ""),
        ('{template: "{name}-{id}", unique: true}', None, ""),
        ('{template: "{name}-{below}", unique: true}', codes.WRONG_VALUE, "this template may give one text twice."),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_column_is_told(
    tmp_path: Path, keys: str, code: str | None, message: str
) -> None:
    body = table(
        f"x: {keys}, name: name, at: {{date: [-1d, today]}}, id: sequence, key: uuid4, "
        "below: {sequence: {step: -1}}"
    )
    if code is None:
        assert read(tmp_path, body)
        return
    mistake = only(mistakes(tmp_path, body))
    assert (mistake.code, mistake.message) == (code, message)
    assert mistake.line == 15


def test_a_mistake_stands_where_it_is(tmp_path: Path) -> None:
    found = mistakes(tmp_path, table("a: {integer: [2, 1]}, b: {ref: teams.nope}"))
    assert [(each.line, each.column) for each in found] == [(15, 50), (15, 67)]
    assert found[1].hint == "The columns of teams are: id, code, city."


def test_a_misspelt_provider_is_told_the_nearest(tmp_path: Path) -> None:
    assert only(mistakes(tmp_path, table("x: frist_name"))).hint == "Did you mean first_name?"
    assert only(mistakes(tmp_path, table("x: integer"))).hint == "Did you mean integer?"


@pytest.mark.parametrize(
    "columns",
    [
        "a: {template: '{b}'}, b: {template: '{a}'}",
        "a: {template: '{a}'}",
        "a: {ref: people.a, unique: true}",
        "a: {after: b, delay: [1h, 2h]}, b: {after: a, delay: [1h, 2h]}",
        "a: {constant: 1, null: {b: 1}}, b: {constant: 1, null: {a: 1}}",
    ],
)
def test_circles_are_told_once(tmp_path: Path, columns: str) -> None:
    mistake = only(mistakes(tmp_path, table(columns)))
    assert mistake.code == codes.BAD_RESOURCE_REFERENCE
    assert mistake.message == "people.a is computed from itself, by way of what it refers to."


def test_a_table_may_refer_to_itself_and_tables_to_one_another(tmp_path: Path) -> None:
    assert entry(tmp_path, table("id: sequence, boss: {ref: people.id, null: 0.1}, team: {ref: teams.code}"))


def test_a_key_with_nulls_and_a_table_without_rows_cannot_be_referred_to(tmp_path: Path) -> None:
    body = table("x: {ref: teams.id}")
    blank = body.replace("id: sequence", "id: {provider: sequence, null: 0.1}")
    assert only(mistakes(tmp_path, blank)).message == "teams.id has NULLs, which nothing can refer to."
    empty = body.replace("rows: 5", "rows: 0")
    assert only(mistakes(tmp_path, empty)).message == "teams has no rows to refer to."


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (table("x: city", source="    locale: [en_US, xx_YY]\n"), codes.NOT_A_CHOICE,
         "Faker knows no locale 'xx_YY'."),
        (table("x: city", source="    reference_date: soon\n"), codes.WRONG_VALUE,
         "reference_date must be a day, not 'soon'."),
        (table("x: city", source="    seed: many\n"), codes.WRONG_VALUE,
         "seed must be a whole number, not 'many'."),
        (table("x: city", source="    pool_size: 1\n"), codes.WRONG_VALUE,
         "pool_size must be at least 100, not '1'."),
        (table("x: city", rows=-1), codes.WRONG_VALUE, "rows must be at least 0, not '-1'."),
        (table("userId: city, user_id: city"), codes.NAMES_COLLIDE,
         "'user_id' and 'userId' would both be the column user_id."),
        (table("_dlt_id: city"), codes.BAD_NAME,
         "'_dlt_id' is reserved: names that begin with _ are dlt's and ours."),
        (table("x: city", more=", primary_key: y"), codes.UNKNOWN_NAME, "'y' is not a column of people."),
        (table("x: city", more=", write_disposition: merge"), codes.NEEDS_PRIMARY_KEY,
         "write_disposition 'merge' needs a primary_key; without one rows would be duplicated."),
        (table("x: city", more=", keep_raw: true"), codes.UNKNOWN_KEY, "people does not know the key 'keep_raw'."),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_source_or_a_table_is_told(
    tmp_path: Path, body: str, code: str, message: str
) -> None:
    mistake = only(mistakes(tmp_path, body))
    assert (mistake.code, mistake.message) == (code, message)


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    found = mistakes(tmp_path, table("a: {integer: [2, 1]}, b: {ref: nope.id}, c: cty, d: {one_of: []}"))
    assert len(found) == 4


def test_common_providers_are_in_faker_in_every_locale() -> None:
    from pipeline_cli.sources.faker.build import _EPOCH
    from pipeline_cli.sources.faker.pools import Pools

    pools = Pools(0, _EPOCH)
    for locale in ("en_US", "de_DE", "ja_JP", "en_PH", "uk_UA", "ar_AA"):
        for name in faker_names.COMMON - {"image_url"}:
            assert pools.draw(name, {}, locale, 1)
    for name in faker_names.COMMON_EN_US:
        assert pools.draw(name, {}, "en_US", 1)


FULL = HEAD + f"sources:\n{RETAIL}" + TAIL
TOKENS = [
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "null",
    "''",
    "sequence",
    "ref",
    "one_of",
    "integer",
    "template",
    "1",
    "-",
    ".",
]


@given(st.lists(st.tuples(st.integers(0, len(FULL)), st.integers(0, 9), st.sampled_from(TOKENS)), max_size=4))
@settings(max_examples=150, deadline=None)
def test_any_change_to_a_faker_source_is_read_or_refused(changes: list[tuple[int, int, str]]) -> None:
    import tempfile

    text = FULL
    for at, cut, put in changes:
        text = text[:at] + put + text[at + cut :]
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), text)
        try:
            read_manifest(Path(folder), {"POSTGRES_URL": "postgres://x"})
        except ManifestError as error:
            assert all(mistake.code in codes.MEANINGS for mistake in error.mistakes)
