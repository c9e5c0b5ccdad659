"""Every request that the Acumatica client sends in a test is held against the description."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from tests.specifications import acumatica, folder_of

from ml_connector.vendors.acumatica.endpoint import Endpoint


@contextmanager
def watched_requests() -> Iterator[None]:
    """Fail at the end where something was sent that the endpoint does not describe."""
    if folder_of("acumatica") is None:
        yield
        return
    found: dict[str, None] = {}
    plain = Endpoint._call

    async def watched(
        self: Endpoint,
        method: Any,
        path: str,
        *,
        params: Sequence[tuple[str, str]] = (),
        json: bytes | None = None,
        **options: Any,
    ) -> Any:
        settings = self.settings
        if (settings.endpoint_name, settings.endpoint_version) == ("Default", acumatica.VERSION):
            sent = acumatica.Sent(method=method, path=path, params=params, body=json)
            found.update(dict.fromkeys(acumatica.faults(sent)))
        return await plain(self, method, path, params=params, json=json, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Endpoint, "_call", watched)
        yield
    assert not found, "sent against the published description: " + "; ".join(found)
