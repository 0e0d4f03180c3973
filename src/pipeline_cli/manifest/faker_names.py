"""Which providers and locales Faker has. Importing it takes 0.2 s, so only unusual names are asked of it."""

from __future__ import annotations

from functools import cache
from typing import Any

# What nearly every table is made of, in all locales; phone_number is not in those of the Philippines.
_COMMON = """
    address boolean building_number catch_phrase city company company_email company_suffix country
    country_code credit_card_number currency_code currency_name date date_between date_of_birth date_time
    date_time_between domain_name ean13 email file_name first_name free_email iban image_url ipv4 isbn13
    job language_name last_name latitude license_plate longitude mac_address md5 name paragraph password
    postcode pyint pystr random_int safe_email sentence sha256 slug ssn street_address street_name text
    time timezone url user_agent user_name uuid4 word words year
"""
_COMMON_EN_US = "phone_number prefix secondary_address state state_abbr suffix zipcode"
COMMON = frozenset(_COMMON.split())
COMMON_EN_US = frozenset(_COMMON_EN_US.split())
DEFAULT_LOCALE = "en_US"

# Methods of its providers' base class that other providers use.
_NOT_PROVIDERS = frozenset(("add_provider", "random_element", "random_elements"))


def has_locale(locale: str) -> bool:
    """Whether Faker knows the locale."""
    return locale == DEFAULT_LOCALE or _generator(locale) is not None


def has_provider(name: str, locale: str) -> bool:
    """Whether Faker has this provider in this locale; True where it does not know the locale."""
    if name in COMMON or (name in COMMON_EN_US and locale == DEFAULT_LOCALE):
        return True
    return name in provider_names(locale) or _generator(locale) is None


@cache
def provider_names(locale: str) -> tuple[str, ...]:
    """The providers there are in a locale; none where Faker does not know it."""
    made = _generator(locale)
    found = {name for each in (made.get_providers() if made else ()) for name in _public(each)}
    return tuple(sorted(found - _NOT_PROVIDERS))


def _public(provider: Any) -> list[str]:
    return [name for name in dir(provider) if not name.startswith("_") and callable(getattr(provider, name))]


@cache
def _generator(locale: str) -> Any:
    from faker import Faker

    try:
        return Faker(locale).factories[0]
    except AttributeError:
        return None
