"""Which party is the same, and when that is for a person to say."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_connector.sync.free_mail import is_free_mail
from ml_connector.sync.matching import (
    Ambiguous,
    Decision,
    Matched,
    MatchingRules,
    New,
    Party,
    Proposal,
    Taken,
    TaxNumber,
    decide,
    email_domain,
    normal_name,
    normal_tax_number,
)

AUTOMATIC = MatchingRules(automatic_by_name=True)


def party(key: str, name: str = "Nordwerk GmbH", **facts: Any) -> Party:
    return Party(key=key, name=name, **facts)


def decided(*candidates: Party, rules: MatchingRules | None = None, **facts: Any) -> Decision:
    linked_to = facts.pop("linked_to", None)
    wanted = party("88", **facts)
    return decide(candidates, wanted, rules or MatchingRules(), linked_to=linked_to)


# Normal forms ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Nord-Werk  G.m.b.H.", "NORD WERK GmbH"),
        ("Smith & Sons", "Smith and Sons"),
        ("O'Brien Ltd", "O\u2019Brien Ltd."),
        ("\uff21\uff22\uff23 Inc", "abc inc"),
        ("Stra\u00dfe AG", "STRASSE AG"),
        ("Cafe\u0301 SA", "Caf\u00e9 S.A."),
    ],
)
def test_names_that_mean_the_same_have_one_form(one, other):
    assert normal_name(one) == normal_name(other)


@pytest.mark.parametrize(
    ("one", "other"), [("Nordwerk GmbH", "Nordwerk AG"), ("Nordwerk", "Nordwerk GmbH")]
)
def test_legal_form_tells_names_apart(one, other):
    assert normal_name(one) != normal_name(other)


@given(st.text(max_size=40))
def test_normal_name_is_its_own_normal_form(name):
    assert normal_name(normal_name(name)) == normal_name(name)


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("DE 123.456.789", "DE", TaxNumber("123456789", "DE")),
        ("123456789", "DE", TaxNumber("123456789", "DE")),
        ("de123456789", None, TaxNumber("123456789", "DE")),
        ("EL123456789", "GR", TaxNumber("123456789", "GR")),
        ("NO 999 888 777 MVA", "NO", TaxNumber("999888777", "NO")),
        ("ESB12345678", "ES", TaxNumber("B12345678", "ES")),
        ("B12345678", "ES", TaxNumber("B12345678", "ES")),
        ("RSSMRA80A01H501U", "IT", TaxNumber("RSSMRA80A01H501U", "IT")),
        ("12-3456789", "US", TaxNumber("123456789", "US")),
        ("123456789", None, TaxNumber("123456789", None)),
        ("n/a", "DE", None),
        ("0", None, None),
        ("000000000", None, None),
        ("", None, None),
        ("ABCDEFGH", None, None),
    ],
)
def test_tax_number_has_one_form(text, country, expected):
    assert normal_tax_number(text, country=country) == expected


def test_equal_tax_numbers_of_two_countries_are_two():
    unknown = TaxNumber("123456789", None)

    assert not TaxNumber("123456789", "DE").agrees_with(TaxNumber("123456789", "US"))
    assert TaxNumber("123456789", "DE").agrees_with(unknown)


@pytest.mark.parametrize(
    ("email", "domain"),
    [
        ("Jana.Voss@Nordwerk.Example", "nordwerk.example"),
        (" a@b\u00fccher.example. ", "xn--bcher-kva.example"),
        ("jana@gmail.com", None),
        ("jana@yahoo.co.uk", None),
        ("jana@hotmail.no", None),
        ("jana@t-online.de", None),
        ("nordwerk.example", None),
        ("jana@localhost", None),
        ("jana@", None),
        ("jana@a..example", None),
    ],
)
def test_domain_of_a_companys_own_address(email, domain):
    assert email_domain(email) == domain


@pytest.mark.parametrize("domain", ["live-nation.com", "mail.nordwerk.example", "proton-ag.ch"])
def test_company_is_not_taken_for_a_mail_provider(domain):
    assert not is_free_mail(domain)


# The order of what decides ---------------------------------------------------------------------


def test_link_decides_before_all_else():
    decision = decided(
        party("C1", tax_numbers=("DE123456789",)),
        party("C2"),
        tax_numbers=("DE123456789",),
        linked_to="C2",
    )

    assert isinstance(decision, Matched)
    assert (decision.party.key, decision.by) == ("C2", "link")


def test_link_to_a_party_that_is_gone_is_for_a_person():
    decision = decided(party("C1"), linked_to="C9")

    assert isinstance(decision, Ambiguous)
    assert "linked to C9, which is not there any more" in decision.words


@pytest.mark.parametrize(
    ("by", "facts"),
    [
        ("external reference", {"external_reference": "PD-org-88"}),
        ("tax number", {"tax_numbers": ("DE 123 456 789",)}),
        ("number", {"number": "c100245"}),
        ("e-mail domain", {"emails": ("x@nordwerk.example",)}),
    ],
)
def test_each_attribute_decides_when_only_one_agrees(by, facts):
    same = party(
        "C100245",
        "Quite another name",
        external_reference="PD-org-88",
        tax_numbers=("123456789",),
        country="DE",
        emails=("info@nordwerk.example", "n@gmail.com"),
    )

    decision = decided(party("C2"), same, country="DE", **facts)

    assert isinstance(decision, Matched)
    assert (decision.party.key, decision.by) == ("C100245", by)


def test_stronger_attribute_goes_before_a_weaker_one():
    by_tax = party("C1", tax_numbers=("DE123456789",))
    by_mail = party("C2", emails=("a@nordwerk.example",))

    decision = decided(
        by_mail, by_tax, tax_numbers=("DE123456789",), emails=("b@nordwerk.example",)
    )

    assert isinstance(decision, Matched)
    assert decision.party is by_tax


def test_number_field_that_the_other_side_carries_agrees_too():
    decision = decided(party("1017", number="88"), number="88")

    assert isinstance(decision, Matched)


def test_free_mail_addresses_match_nobody():
    decision = decided(party("C1", "A", emails=("a@gmail.com",)), name="B", emails=("b@gmail.com",))

    assert isinstance(decision, New)


def test_attribute_may_be_switched_off():
    rules = MatchingRules(by_tax_number=False, by_number=False, by_email_domain=False)
    facts: dict[str, Any] = {"tax_numbers": ("DE123456789",), "emails": ("a@nordwerk.example",)}

    decision = decided(party("C1", "Other", **facts), rules=rules, number="C1", **facts)

    assert isinstance(decision, New)


# What is for a person -------------------------------------------------------------------------


def test_several_are_listed_and_never_picked_from():
    same: dict[str, Any] = {"tax_numbers": ("DE123456789",)}

    decision = decided(party("C1", **same), party("C2", "Nordwerk 2", **same), **same)

    assert isinstance(decision, Ambiguous)
    assert [each.key for each in decision.parties] == ["C1", "C2"]
    assert "C1 (Nordwerk GmbH), C2 (Nordwerk 2); say which" in decision.words


def test_number_that_agrees_while_the_tax_number_differs_is_for_a_person():
    decision = decided(
        party("C1", tax_numbers=("DE987654321",)), number="C1", tax_numbers=("DE123456789",)
    )

    assert isinstance(decision, Ambiguous)
    assert "but its tax number is another" in decision.words


def test_company_of_the_same_group_in_another_country_is_for_a_person():
    decision = decided(
        party("C1", "Nordwerk AS", country="NO", emails=("a@nordwerk.example",)),
        country="DE",
        emails=("b@nordwerk.example",),
    )

    assert isinstance(decision, Ambiguous)
    assert "it is in NO, not in DE" in decision.words


def test_company_of_the_same_group_with_its_own_tax_number_is_another():
    decision = decided(
        party("C1", "Nordwerk Service GmbH", emails=("a@n.example",), tax_numbers=("DE987654321",)),
        emails=("b@n.example",),
        tax_numbers=("DE123456789",),
    )

    assert isinstance(decision, New)


def test_party_that_belongs_to_another_record_is_held_naming_it():
    taken = party("C1", taken_by="organization 12", tax_numbers=("DE123456789",))

    decision = decided(taken, tax_numbers=("DE123456789",))

    assert isinstance(decision, Taken)
    assert "belongs to organization 12 already" in decision.words
    confirmed = MatchingRules(may_share=True)
    assert isinstance(decided(taken, rules=confirmed, tax_numbers=("DE123456789",)), Matched)


def test_party_that_belongs_to_this_record_is_matched():
    mine = party("C1", taken_by="88", tax_numbers=("DE123456789",))

    assert isinstance(decided(mine, tax_numbers=("DE123456789",)), Matched)


# Names ----------------------------------------------------------------------------------------


def test_name_is_a_proposal_only():
    decision = decided(party("C1", "NORDWERK G.m.b.H.", country="DE"), country="DE")

    assert isinstance(decision, Proposal)
    assert (
        decision.words == "C1 (NORDWERK G.m.b.H.) may be Nordwerk GmbH by name; confirm or refuse"
    )


def test_name_in_another_country_is_another_party():
    assert isinstance(decided(party("C1", country="AT"), country="DE"), New)


def test_name_matches_by_itself_only_where_switched_on_and_one_more_attribute_agrees():
    same = party("C1", country="DE", further={"postal code": "20457", "phone": ""})
    facts: dict[str, Any] = {"country": "DE", "further": {"postal code": "20 457", "phone": ""}}

    decision = decided(same, rules=AUTOMATIC, **facts)

    assert isinstance(decision, Matched)
    assert decision.by == "name, country and postal code"
    assert isinstance(decided(same, **facts), Proposal)
    assert isinstance(decided(same, rules=AUTOMATIC, country="DE"), Proposal)
    assert isinstance(decided(same, rules=AUTOMATIC, further=facts["further"]), Proposal)
    assert isinstance(decided(same, party("C2"), rules=AUTOMATIC, **facts), Proposal)


def test_empty_names_agree_with_nothing():
    assert isinstance(decided(party("C1", "-"), name="..."), New)


PARTIES = st.builds(
    Party,
    key=st.sampled_from(["C1", "C2", "C3"]),
    name=st.sampled_from(["Nordwerk GmbH", "nordwerk gmbh", "Other"]),
    country=st.sampled_from([None, "DE", "NO"]),
    external_reference=st.sampled_from([None, "ref"]),
    tax_numbers=st.sampled_from([(), ("DE123456789",), ("123456789",), ("987654321",)]),
    number=st.sampled_from([None, "C1", "88"]),
    emails=st.sampled_from([(), ("a@n.example",), ("a@gmail.com",)]),
    taken_by=st.sampled_from([None, "9"]),
)


@given(st.lists(PARTIES, max_size=4), PARTIES, st.booleans())
def test_order_of_the_candidates_decides_nothing(candidates, wanted, automatic):
    rules = MatchingRules(automatic_by_name=automatic)

    one = decide(candidates, wanted, rules)
    other = decide(candidates[::-1], wanted, rules)

    assert type(one) is type(other)
    if isinstance(one, Matched | Taken) and isinstance(other, Matched | Taken):
        assert (one.party, one.by) == (other.party, other.by)
    assert one.words
