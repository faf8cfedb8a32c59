"""Every connector against every lie, by the kit that other packages' connectors use too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest

from app.demo.mailman_server import MailmanServer
from core.testing.bench import Bench
from core.testing.conformance import HONEST, RULES, prove
from core.testing.play import Broken, Rule
from tests.connectors.benches import breaks
from tests.connectors.benches.imitation import ImitationBench
from tests.connectors.benches.laposta import LapostaBench
from tests.connectors.benches.mailchimp import MailchimpBench
from tests.connectors.benches.mailman import MailmanBench
from tests.connectors.benches.sandbox import ArchivesBench, FlakyBench, ThirtyDaysBench

BENCHES: Mapping[str, type[Bench]] = {
    "imitation": ImitationBench,
    "laposta": LapostaBench,
    "mailchimp": MailchimpBench,
    "sandbox-archives": ArchivesBench,
    "sandbox-flaky": FlakyBench,
    "sandbox-thirty-days": ThirtyDaysBench,
}


@pytest.fixture
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    with closing(BENCHES[request.param]()) as bench:
        yield bench


on_every_bench = pytest.mark.parametrize("bench", BENCHES, indirect=True)
on_every_rule = pytest.mark.parametrize("rule", RULES, ids=[rule.name for rule in RULES])


@on_every_bench
@on_every_rule
def test_a_connector_keeps_the_rule_or_says_why_it_cannot_be_broken(
    bench: Bench, rule: Rule
) -> None:
    keeps(bench, rule)


def keeps(bench: Bench, rule: Rule) -> None:
    if rule.name in bench.cannot:
        assert bench.cannot[rule.name].endswith(".")
    else:
        prove(bench, rule)


@on_every_bench
def test_a_bench_can_tell_every_lie_or_says_why_not(bench: Bench) -> None:
    names = {rule.name for rule in RULES}
    assert {*bench.lies, *bench.cannot, *HONEST} == names


# A real server is slow; these two depend most on how it answers.
SOON = {"wrong-person", "address-changed-there"}
AT_MAILMAN = [
    pytest.param(rule, id=rule.name, marks=[] if rule.name in SOON else [pytest.mark.storm])
    for rule in RULES
]


@pytest.mark.parametrize("rule", AT_MAILMAN)
def test_mailman_keeps_the_rule_or_says_why_it_cannot_be_broken(
    mailman_server: MailmanServer, rule: Rule
) -> None:
    with closing(MailmanBench(mailman_server)) as bench:
        keeps(bench, rule)


BROKEN = [
    pytest.param(bench, one, id=f"{name}-{one.what}-{one.rule}")
    for name, bench in BENCHES.items()
    for one in breaks.BREAKS
    if one.rule not in bench.cannot
]


@pytest.mark.parametrize(("kind", "one"), BROKEN)
def test_a_broken_connector_breaks_the_rule_that_was_meant_for_it(
    monkeypatch: pytest.MonkeyPatch, kind: type[Bench], one: breaks.Break
) -> None:
    with closing(kind()) as bench:
        fails(monkeypatch, bench, one)


@pytest.mark.storm
@pytest.mark.parametrize(
    "one",
    [one for one in breaks.BREAKS if one.rule not in MailmanBench.cannot],
    ids=lambda one: f"{one.what}-{one.rule}",
)
def test_a_broken_connector_to_mailman_breaks_the_rule_that_was_meant_for_it(
    monkeypatch: pytest.MonkeyPatch, mailman_server: MailmanServer, one: breaks.Break
) -> None:
    with closing(MailmanBench(mailman_server)) as bench:
        fails(monkeypatch, bench, one)


def fails(monkeypatch: pytest.MonkeyPatch, bench: Bench, one: breaks.Break) -> None:
    rule = next(rule for rule in RULES if rule.name == one.rule)
    one.do(monkeypatch, bench)
    with pytest.raises(Broken) as caught:
        prove(bench, rule)
    assert caught.value.rule is rule
    assert caught.value.wanted.startswith(one.wanted)
    assert f"docs/conformance.md#{one.rule}" in str(caught.value)


def test_every_rule_is_broken_by_somebody() -> None:
    assert {rule.name for rule in RULES} == {one.rule for one in breaks.BREAKS}


@on_every_rule
def test_every_rule_has_its_section(rule: Rule) -> None:
    page = (Path(__file__).parents[2] / "docs" / "conformance.md").read_text()
    assert f"\n### {rule.name}\n" in page
