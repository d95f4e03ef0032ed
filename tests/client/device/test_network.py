"""What the platform says of the network reaches the app when there is one."""

import flet as ft
import pytest

from mirabelle.client.device.network import Network

NONE, WIFI, MOBILE = ft.ConnectivityType.NONE, ft.ConnectivityType.WIFI, ft.ConnectivityType.MOBILE


@pytest.mark.parametrize(
    ("now", "is_back"), [([NONE], False), ([], False), ([WIFI], True), ([MOBILE, WIFI], True)], ids=str
)
def test_only_a_network_that_is_there_is_told_of(now: list[ft.ConnectivityType], is_back: bool) -> None:
    told: list[bool] = []
    service = Network(lambda: told.append(True)).service
    assert service.on_change is not None
    event = ft.ConnectivityChangeEvent(name="change", control=service, connectivity=now)
    service.on_change(event)
    assert told == [True] * is_back
