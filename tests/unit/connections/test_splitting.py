from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from ml_connector.connections.splitting import joined, split, validated
from ml_connector.core.secret import Secret


class Password(BaseModel):
    user: str
    password: Secret


class Settings(BaseModel):
    url: str
    login: Password | None = None
    token: Secret | None = None
    extra: dict[str, Secret] = {}


texts = st.text(min_size=1)
settings_of_people = st.builds(
    Settings,
    url=texts,
    login=st.none() | st.builds(Password, user=texts, password=texts.map(Secret)),
    token=st.none() | texts.map(Secret),
    extra=st.dictionaries(st.text("ab", min_size=1), texts.map(Secret)),
)


@given(settings=settings_of_people)
def test_what_was_split_joins_to_the_same(settings):
    plain, found = split(settings)

    assert validated(Settings, joined(plain, found)) == settings


@given(settings=settings_of_people)
def test_no_secret_stays_in_the_open_part(settings):
    plain, found = split(settings)

    assert "***" not in str(plain).replace(settings.url, "")
    assert len(found) == (settings.login is not None) + (settings.token is not None) + len(
        settings.extra
    )


def test_a_list_of_secrets_is_refused_by_name():
    class Many(BaseModel):
        keys: list[Secret]

    with pytest.raises(TypeError, match="at keys"):
        split(Many(keys=[Secret("a")]))
