"""Fields by key and by name."""

from __future__ import annotations

import pytest
from tests.unit.sync.mapping.catalogues import DEAL, PO

from ml_connector.sync.mapping import FieldNotFoundError


@pytest.mark.parametrize("name", [PO, "Purchase order", "purchase_order", " PURCHASE  ORDER "])
def test_field_is_found_by_key_and_by_name_as_people_write_it(name):
    assert DEAL.find(name).key == PO


def test_name_of_several_fields_is_refused_with_their_keys():
    with pytest.raises(FieldNotFoundError, match=r"2 fields called 'Region'.*k-one, k-two"):
        DEAL.find("Region")


def test_key_goes_before_a_name():
    assert DEAL.find("k-two").name == "Region"


def test_unknown_name_is_refused_with_what_comes_near():
    with pytest.raises(
        FieldNotFoundError, match=r"Pipedrive deal has no field 'Purchase ordr'; did"
    ):
        DEAL.find("Purchase ordr")
    with pytest.raises(FieldNotFoundError, match=r"has no field 'Zebra'$"):
        DEAL.find("Zebra")
