"""Contacts and orders of the sample CRM: the same rows each time, every value a text as in a CSV file."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

from tests.servers.marketing.campaigns import CAMPAIGNS, FIRST_DAY, LAST_DAY

CsvRow = dict[str, str]

# country, weight, currency, UTC offset in hours, telephone code
COUNTRIES = (
    ("United States", 34, "USD", -5, "+1"),
    ("United Kingdom", 15, "GBP", 0, "+44"),
    ("Germany", 13, "EUR", 1, "+49"),
    ("France", 9, "EUR", 1, "+33"),
    ("Netherlands", 7, "EUR", 1, "+31"),
    ("Canada", 7, "USD", -5, "+1"),
    ("Spain", 5, "EUR", 1, "+34"),
    ("Australia", 5, "USD", 10, "+61"),
    ("Italy", 3, "EUR", 1, "+39"),
    ("Ireland", 2, "EUR", 0, "+353"),
)
_BY_COUNTRY = {country: (currency, offset, code) for country, _, currency, offset, code in COUNTRIES}
_FIRST_NAMES = (
    *("ana", "ben", "chloe", "dario", "edith", "finn", "grace", "hugo", "ines"),
    *("jonas", "kira", "liam", "maya", "nils", "olga", "pablo", "rosa", "sam"),
)
_LAST_NAMES = (
    *("adler", "baker", "costa", "dupont", "evans", "fischer", "garcia"),
    *("hughes", "ito", "jansen", "keller", "lopez", "moreau", "novak"),
)

# channel: (weight for a first order, for a later one), the utm sources, the utm medium
CHANNELS = {
    "paid_social": ((30, 12), ("facebook", "instagram"), "paid_social"),
    "paid_search": ((22, 12), ("google", "bing"), "cpc"),
    "organic": ((18, 16), ("google",), "organic"),
    "direct": ((10, 24), ("",), ""),
    "referral": ((8, 4), ("blog.example.org", "reviews.example.net"), "referral"),
    "affiliate": ((7, 4), ("partnerize",), "affiliate"),
    "email": ((5, 28), ("newsletter",), "email"),
}
_PAYMENT = {"card": 52, "paypal": 23, "apple_pay": 13, "klarna": 8, "bank_transfer": 4}
_CONTACT_COUNT, _OLD_CONTACTS = 620, 170


def contacts() -> list[CsvRow]:
    """620 contacts by the day they came, 170 of them before the first order."""
    draw = random.Random(6201)
    rows = []
    for number, moment in enumerate(_sign_ups(draw), start=1):
        country = _weighted(draw, {name: weight for name, weight, *_ in COUNTRIES})
        _, offset, code = _BY_COUNTRY[country]
        name = f"{_pick(draw, _FIRST_NAMES)}.{_pick(draw, _LAST_NAMES)}{number}"
        phone = f"{code} 555 01{draw.randint(0, 99):02d} {draw.randint(0, 9999):04d}"
        rows.append(
            {
                "contact_id": f"C-{1000 + number}",
                "email": f"{name}@example.com",
                "created_at": _written(moment, offset if draw.random() < 0.2 else 0),
                "country": country,
                "phone": phone if draw.random() < 0.8 else "",
                "email_opt_in": "true" if draw.random() < 0.64 else "false",
            }
        )
    return rows


def _sign_ups(draw: random.Random) -> list[datetime]:
    days = (LAST_DAY - FIRST_DAY).days
    before = [-draw.randint(1, 180) for _ in range(_OLD_CONTACTS)]
    since = [draw.randint(0, days - 1) for _ in range(_CONTACT_COUNT - _OLD_CONTACTS)]
    return sorted(_moment(draw, FIRST_DAY + timedelta(days=offset)) for offset in [*before, *since])


def orders(people: Sequence[CsvRow]) -> list[CsvRow]:
    """Some 2,400 orders by time; the shop grows, sells more in November and December and less at weekends."""
    draw = random.Random(2400)
    placed: list[tuple[datetime, CsvRow]] = []
    for person in people:
        joined = datetime.fromisoformat(person["created_at"])
        if joined.date() >= FIRST_DAY and draw.random() < 0.8:
            placed.append((joined + timedelta(minutes=draw.randint(4, 90)), person))
    joined_at = [datetime.fromisoformat(person["created_at"]) for person in people]
    for offset in range((LAST_DAY - FIRST_DAY).days + 1):
        day = FIRST_DAY + timedelta(days=offset)
        for _ in range(_order_count(day, draw)):
            moment = _moment(draw, day)
            known = sum(joined < moment for joined in joined_at)
            # The smaller of two: some buy more often than others. The factor mixes old and new contacts.
            place = int(known * min(draw.random(), draw.random()))
            placed.append((moment, people[place * 1009 % known]))
    placed.sort(key=lambda each: (each[0], each[1]["contact_id"]))
    placed = [each for each in placed if each[0].date() <= LAST_DAY]
    visitors = {person["contact_id"]: _pseudo_id(draw) for person in people}
    seen: set[str] = set()
    rows = []
    for number, (moment, person) in enumerate(placed, start=1):
        is_repeat = person["contact_id"] in seen
        seen.add(person["contact_id"])
        rows.append(_order(number, moment, person, is_repeat, visitors, draw))
    return rows


def _order_count(day: date, draw: random.Random) -> int:
    expected = 3.6 + 1.7 * (day - FIRST_DAY).days / 413
    expected *= 0.7 if day.weekday() >= 5 else 1.1
    if date(2025, 11, 17) <= day <= date(2025, 12, 20):
        expected *= 1.7
    if day in (date(2025, 11, 28), date(2025, 12, 1)):  # Black Friday, Cyber Monday
        expected *= 2.2
    return int(expected) + (draw.random() < expected % 1) + draw.randint(-1, 1)


def _order(
    number: int,
    moment: datetime,
    person: CsvRow,
    is_repeat: bool,
    visitors: dict[str, str],
    draw: random.Random,
) -> CsvRow:
    currency, offset, _ = _BY_COUNTRY[person["country"]]
    channel = _weighted(draw, {name: weights[is_repeat] for name, (weights, *_) in CHANNELS.items()})
    items = _weighted(draw, {1: 45, 2: 28, 3: 15, 4: 8, 5: 4})
    cents = sum(draw.randint(1200, 6900) for _ in range(items)) * (115 if is_repeat else 100) // 100
    has_consent = draw.random() < 0.93
    return {
        "order_id": f"O-{100000 + number}",
        "contact_id": person["contact_id"],
        "user_pseudo_id": visitors[person["contact_id"]] if has_consent else "",
        "order_ts": _written(moment, offset if draw.random() < 0.2 else 0),
        "order_date": moment.astimezone(UTC).date().isoformat(),
        "amount": f"{Decimal(cents) / 100:.2f}",
        "currency": currency,
        "items": str(items),
        "campaign_id": _campaign(channel, moment.date(), draw),
        "channel": channel,
        "utm_source": _pick(draw, CHANNELS[channel][1]),
        "utm_medium": CHANNELS[channel][2],
        "transaction_id": f"T-{7000000 + number * 37}",
        "is_repeat": "true" if is_repeat else "false",
        "payment_method": _weighted(draw, _PAYMENT),
    }


def _campaign(channel: str, day: date, draw: random.Random) -> str:
    """A campaign of the channel that runs that day, weighted by budget; none for what is not bought, or sent singly."""
    if channel == "email" and draw.random() < 0.15:
        return ""
    running = {
        campaign.campaign_id: campaign.daily_budget or 1
        for campaign in CAMPAIGNS
        if campaign.channel == channel and campaign.runs_on(day)
    }
    return _weighted(draw, running) if running else ""


def corrections(rows: Sequence[CsvRow]) -> Iterator[CsvRow]:
    """Orders of 2025 that are sent once more in 2026, their amounts corrected: the later file's count."""
    for row in [row for row in rows if row["order_date"] < "2026"][60::150]:
        yield {
            **row,
            "amount": str(Decimal(row["amount"]) - Decimal("5.00")),
            "payment_method": "bank_transfer",
        }


def _moment(draw: random.Random, day: date) -> datetime:
    return datetime.combine(day, time(draw.randint(0, 23), draw.randint(0, 59), draw.randint(0, 59)), UTC)


def _written(moment: datetime, offset_hours: int) -> str:
    """ISO 8601, in UTC (Z) or at an offset."""
    there = moment.astimezone(timezone(timedelta(hours=offset_hours)))
    return there.isoformat().replace("+00:00", "Z")


def _pseudo_id(draw: random.Random) -> str:
    return f"{draw.randint(100_000_000, 2_147_483_647)}.{draw.randint(1_740_000_000, 1_790_000_000)}"


def _pick(draw: random.Random, choices: Sequence[Any]) -> Any:
    return choices[draw.randint(0, len(choices) - 1)]


def _weighted(draw: random.Random, weights: dict[Any, int]) -> Any:
    ticket = draw.randint(1, sum(weights.values()))
    for choice, weight in weights.items():
        ticket -= weight
        if ticket <= 0:
            return choice
    raise AssertionError("the weights add up")
