"""customer_360: the gold models from the rows of the CSV files, every value a text."""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from tests.project.figures import Row, average, group, money

CsvRow = dict[str, str]


def users(rows: Iterable[CsvRow]) -> list[Row]:
    """gold_customer_360.dim_users."""
    return [
        {
            "user_id": int(row["user_id"]),
            "name": row["name"].strip(),
            "email": row["email"].strip().lower(),
            "city": row["city"].strip(),
            "country": row["country"].strip(),
            "signed_up_at": _moment(row["signed_up_at"]),
            "signed_up_date": _moment(row["signed_up_at"]).date(),
        }
        for row in sorted(rows, key=lambda row: int(row["user_id"]))
    ]


def orders(rows: Iterable[CsvRow]) -> list[Row]:
    """gold_customer_360.fct_orders."""
    return [
        {
            "order_id": int(row["order_id"]),
            "user_id": int(row["user_id"]),
            "order_date": _moment(row["ordered_at"]).date(),
            "ordered_at": _moment(row["ordered_at"]),
            "status": row["status"],
            "is_cancelled": row["status"] == "cancelled",
            "items": int(row["items"]),
            "amount": money(row["amount"]),
            "revenue": money(0 if row["status"] == "cancelled" else row["amount"]),
        }
        for row in sorted(rows, key=lambda row: int(row["order_id"]))
    ]


def tickets(rows: Iterable[CsvRow]) -> list[Row]:
    """gold_customer_360.fct_tickets."""
    return [_ticket(row) for row in sorted(rows, key=lambda row: int(row["ticket_id"]))]


def _ticket(row: CsvRow) -> Row:
    opened_at = _moment(row["opened_at"])
    closed_at = _moment(row["closed_at"]) if row["closed_at"] else None
    return {
        "ticket_id": int(row["ticket_id"]),
        "user_id": int(row["user_id"]),
        "opened_date": opened_at.date(),
        "closed_date": closed_at.date() if closed_at else None,
        "opened_at": opened_at,
        "closed_at": closed_at,
        "channel": row["channel"],
        "priority": row["priority"],
        "topic": row["topic"].strip(),
        "is_open": closed_at is None,
        "hours_to_resolution": _hours(closed_at - opened_at) if closed_at else None,
    }


def customers(
    user_rows: Iterable[CsvRow], order_rows: Iterable[CsvRow], ticket_rows: Iterable[CsvRow]
) -> list[Row]:
    """gold_customer_360.customer_360."""
    ordered, asked = group(orders(order_rows), "user_id"), group(tickets(ticket_rows), "user_id")
    rows = []
    for user in users(user_rows):
        del user["signed_up_date"]
        bought, helped = ordered[user["user_id"]], asked[user["user_id"]]
        order_times = [order["ordered_at"] for order in bought]
        ticket_times = [ticket["closed_at"] or ticket["opened_at"] for ticket in helped]
        hours = [ticket["hours_to_resolution"] for ticket in helped if not ticket["is_open"]]
        rows.append(
            user
            | {
                "orders": len(bought),
                "cancelled_orders": sum(order["is_cancelled"] for order in bought),
                "revenue": sum((order["revenue"] for order in bought), Decimal("0.00")),
                "first_order_at": min(order_times, default=None),
                "last_order_at": max(order_times, default=None),
                "tickets": len(helped),
                "open_tickets": sum(ticket["is_open"] for ticket in helped),
                "hours_to_resolution": average(hours),
                "last_activity_at": max([user["signed_up_at"], *order_times, *ticket_times]),
            }
        )
    return rows


def days(
    user_rows: Sequence[CsvRow], order_rows: Sequence[CsvRow], ticket_rows: Sequence[CsvRow]
) -> list[Row]:
    """gold_customer_360.dim_date: whole years from the first to the last day of anything."""
    texts = [row["signed_up_at"] for row in user_rows] + [row["ordered_at"] for row in order_rows]
    texts += [row[column] for row in ticket_rows for column in ("opened_at", "closed_at") if row[column]]
    years = {_moment(text).year for text in texts}
    if not years:
        return []
    first, last = date(min(years), 1, 1), date(max(years), 12, 31)
    return [_day(first + timedelta(days=number)) for number in range((last - first).days + 1)]


def _day(day: date) -> Row:
    return {
        "date_day": day,
        "year": day.year,
        "quarter": {1: 1, 2: 1, 3: 1, 4: 2, 5: 2, 6: 2, 7: 3, 8: 3, 9: 3, 10: 4, 11: 4, 12: 4}[day.month],
        "month": day.month,
        "month_name": calendar.month_name[day.month],
        "week_of_year": day.isocalendar().week,
        "day_of_month": day.day,
        "day_of_week": day.isoweekday(),
        "day_name": calendar.day_name[day.weekday()],
        "is_weekend": day.isoweekday() > 5,
    }


def gold_models(data: Mapping[str, list[CsvRow]]) -> dict[str, list[Row]]:
    """Model to its rows. data: rows by file (users, orders, tickets)."""
    files = (data["users"], data["orders"], data["tickets"])
    return {
        "gold_customer_360.dim_users": users(data["users"]),
        "gold_customer_360.dim_date": days(*files),
        "gold_customer_360.fct_orders": orders(data["orders"]),
        "gold_customer_360.fct_tickets": tickets(data["tickets"]),
        "gold_customer_360.customer_360": customers(*files),
    }


def _moment(text: str) -> datetime:
    """UTC, without a time zone, as the models have it."""
    return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)


def _hours(duration: timedelta) -> Decimal:
    return money(Decimal(duration // timedelta(microseconds=1)) / Decimal(3_600_000_000))
