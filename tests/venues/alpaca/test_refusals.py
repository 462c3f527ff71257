"""A refusal is known by its words, and only what the venue itself said is a refusal."""

import re

import pytest

from engine.core.rules import Rule
from engine.venues.alpaca.refusals import UNNAMED, rule_of


@pytest.mark.parametrize("rule", Rule)
def test_every_rule_is_known_by_its_own_words(rule: Rule) -> None:
    said = re.sub(r"\{\w+\}", "X 1.5", rule.message)
    found = rule_of(rule.status, rule.code, said)
    alike = {
        other.name.lower()
        for other in Rule
        if (other.status, other.code) == (rule.status, rule.code)
        and re.fullmatch(re.sub(r"\\\{\w+\\\}", ".+", re.escape(other.message)), said)
    }
    assert found in alike
    assert found == rule.name.lower() or len(alike) > 1


def test_the_words_decide_before_the_status_which_the_venue_has_changed_before() -> None:
    assert rule_of(422, 42210000, Rule.WASH_TRADE.message) == "wash_trade"
    assert rule_of(403, 40310000, 'asset "A" not found') == "asset_unknown"


@pytest.mark.parametrize("message", ["", "never heard of", "qty must be > 0 or so", "client_order_id must be unique!"])
def test_words_of_no_rule_name_none(message: str) -> None:
    assert rule_of(422, 42210000, message) == UNNAMED
