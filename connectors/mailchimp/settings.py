"""What the customer fills in to connect a Mailchimp account."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pydantic import BaseModel, Field, SecretStr, field_validator

KEY = re.compile(r"[0-9a-f]{32}-[a-z]{2}[0-9]{1,3}")  # the data centre comes last
PAIR = re.compile(r"\s*([a-z][a-z0-9_]*)\s*=\s*([A-Z0-9_]{1,10})\s*")  # a tag has 10 at most
USUAL = {"first_name": "FNAME", "last_name": "LNAME"}  # every new audience has these

WRONG_KEY = (
    "Een Mailchimp-sleutel is 32 cijfers en letters a tot f, een streepje en het datacentrum, "
    "zoals -us21. Maak er een onder Account, Extras, API keys en plak hem helemaal. / "
    "A Mailchimp key is 32 digits and letters a to f, a dash and the data centre, such as -us21. "
    "Make one under Account, Extras, API keys and paste all of it."
)
WRONG_PAIRS = (
    "Schrijf veld=TAG met komma's ertussen, zoals city=CITY, phone=PHONE. / "
    "Write field=TAG with commas between them, such as city=CITY, phone=PHONE."
)
TAG_TWICE = (
    "Twee velden hebben dezelfde merge-tag. Geef elk veld een eigen tag. / "
    "Two fields have the same merge tag. Give each field a tag of its own."
)


class Settings(BaseModel):
    api_key: SecretStr = Field(title="API-sleutel / API key")
    merge_tags: str = Field(
        default="",
        title="Merge-tags van andere velden / Merge tags of other fields",
        description=(
            "Naast first_name=FNAME en last_name=LNAME, of in plaats daarvan. / "
            "Beside first_name=FNAME and last_name=LNAME, or in their place."
        ),
        examples=["city=CITY, phone=PHONE"],
    )
    webhook_secret: SecretStr = Field(
        default=SecretStr(""),
        title="Geheim van de webhook / Secret of the webhook",
        description=(
            "Alleen als Mailchimp er een gaf; dan telt een bericht zonder handtekening niet. / "
            "Only where Mailchimp gave one; then a message without a signature does not count."
        ),
    )

    # Field(pattern=…) does not take a SecretStr (pydantic 2.14, 2026-11).
    @field_validator("api_key")
    @classmethod
    def is_a_key(cls, value: SecretStr) -> SecretStr:
        """The key decides which host gets the key, so nothing that is not one may be sent."""
        stripped = value.get_secret_value().strip()
        if not KEY.fullmatch(stripped):
            raise ValueError(WRONG_KEY)
        return SecretStr(stripped)

    @field_validator("merge_tags")
    @classmethod
    def are_pairs(cls, value: str) -> str:
        tags = {**USUAL, **parsed(value)}
        if len({*tags.values()}) < len(tags):
            raise ValueError(TAG_TWICE)
        return value

    @property
    def data_centre(self) -> str:
        return self.api_key.get_secret_value().rpartition("-")[2]

    @property
    def tags(self) -> Mapping[str, str]:
        """Our field names to Mailchimp's merge tags, each tag once."""
        return {**USUAL, **parsed(self.merge_tags)}


def parsed(pairs: str) -> dict[str, str]:
    """Raises ValueError for what is no list of pairs."""
    if not pairs.strip():
        return {}
    found = [PAIR.fullmatch(pair) for pair in pairs.split(",")]
    return {match[1]: match[2] for match in map(matched, found)}


def matched(found: re.Match[str] | None) -> re.Match[str]:
    if found is None:
        raise ValueError(WRONG_PAIRS)
    return found
