"""The shop on a real PostgreSQL and a real Redis, with a worker of its own."""

import time

import pytest
from celery.contrib.testing.worker import start_worker
from fastapi.testclient import TestClient

from shop.main import app
from shop.worker import app as queue


@pytest.fixture(scope="module")
def client():
    with TestClient(app) as client:
        yield client


@pytest.fixture(scope="module")
def worker():
    with start_worker(queue, pool="solo", perform_ping_check=False, shutdown_timeout=30) as worker:
        yield worker


def test_every_product_has_a_name_and_a_price(client):
    answer = client.get("/api/products")
    assert answer.status_code == 200
    products = answer.json()["products"]
    assert products
    assert all(product["name"] and product["price"].endswith("€") for product in products)


def test_the_version_is_in_the_body_and_in_the_header(client):
    answer = client.get("/api/products")
    assert answer.headers["X-Version"] == answer.json()["version"]


def test_an_order_is_kept_and_packed_by_a_worker(client, worker):
    placed = client.post("/api/orders", json={"product_id": 1, "quantity": 2})
    assert placed.status_code == 202
    number = placed.json()["id"]
    deadline = time.monotonic() + 20
    while (order := client.get(f"/api/orders/{number}").json())["state"] != "shipped":
        assert time.monotonic() < deadline, order
        time.sleep(0.05)
    assert order == {"id": number, "product_id": 1, "quantity": 2, "state": "shipped"}


@pytest.mark.parametrize("quantity", [0, -1, 101])
def test_a_quantity_that_nobody_can_order_is_refused(client, quantity):
    assert client.post("/api/orders", json={"product_id": 1, "quantity": quantity}).status_code == 422


def test_what_is_not_there_is_not_found(client):
    assert client.post("/api/orders", json={"product_id": 999_999}).status_code == 404
    assert client.get("/api/orders/999999").status_code == 404
