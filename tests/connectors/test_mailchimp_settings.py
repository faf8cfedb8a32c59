"""What a customer may fill in for Mailchimp, none of which is sent before it was checked."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from connectors.mailchimp import Mailchimp, Settings
from tests.imitations.mailchimp.server import KEY

SECRET_PART = KEY[:32]


@pytest.mark.parametrize(
    "key",
    [
        "",
        "abc-evil.example/x?",
        f"{SECRET_PART}-evil.example/",
        f"{SECRET_PART}-us21/",
        f"{SECRET_PART}-us21.evil.example",
        f"{SECRET_PART}-us21@evil.example",
        f"{SECRET_PART}-us21\n.evil.example",
        f"{SECRET_PART}-us2100",
        f"{SECRET_PART}-us2\u0661",
        f"{SECRET_PART}-US21",
        f"{SECRET_PART}",
        f"{SECRET_PART[:-1]}-us21",
        f"{SECRET_PART}-us21-us22",
    ],
)
def test_a_key_that_could_lead_elsewhere_is_refused_before_it_is_sent(key: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate({"api_key": key})
    (problem,) = caught.value.errors(include_input=False)
    assert "-us21" in problem["msg"]
    assert SECRET_PART not in problem["msg"]


@pytest.mark.parametrize("data_centre", ["us1", "us21", "eu3"])
def test_a_key_leads_to_its_data_centre(data_centre: str) -> None:
    settings = Settings.model_validate({"api_key": f" {SECRET_PART}-{data_centre}\n"})
    assert Mailchimp.base_url(settings) == f"https://{data_centre}.api.mailchimp.com/3.0"


def test_the_usual_tags_are_known_and_may_be_replaced() -> None:
    settings = Settings.model_validate({"api_key": KEY, "merge_tags": "city=CITY,last_name=NAAM"})
    assert settings.tags == {"first_name": "FNAME", "last_name": "NAAM", "city": "CITY"}


@pytest.mark.parametrize(
    "pairs", ["city", "city=", "=CITY", "city=city", "city=CITY;phone=PHONE", "city=ELEVENCHARS"]
)
def test_what_is_no_list_of_pairs_is_refused(pairs: str) -> None:
    with pytest.raises(ValidationError, match="city=CITY, phone=PHONE"):
        Settings.model_validate({"api_key": KEY, "merge_tags": pairs})


def test_no_tag_can_hold_two_fields() -> None:
    with pytest.raises(ValidationError, match="a tag of its own"):
        Settings.model_validate({"api_key": KEY, "merge_tags": "city=FNAME"})
