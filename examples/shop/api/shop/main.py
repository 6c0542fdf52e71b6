from fastapi import APIRouter, FastAPI, HTTPException, Request
from pydantic import BaseModel, Field
from sqlalchemy import select

from . import __version__, health
from .database import Session
from .models import Order, Product
from .products import describe
from .worker import fulfil

app = FastAPI(title="Shop", version=__version__)
# The proxy passes the path on as it is, so what is public lies below the path of its route.
public = APIRouter(prefix="/api")


class NewOrder(BaseModel):
    product_id: int
    quantity: int = Field(default=1, ge=1, le=100)


@app.middleware("http")
async def say_version(request: Request, answer):
    response = await answer(request)
    response.headers["X-Version"] = __version__
    return response


@app.get("/health")
def read_health() -> dict:
    health.check()
    return {"status": "ok", "version": __version__}


# Each request has its session within its own thread. A dependency would give the connection back in another thread, and when
# all threads wait for a connection, none is left to give one back.
@public.get("/products")
def list_products() -> dict:
    with Session() as session:
        products = session.scalars(select(Product).order_by(Product.id))
        return {"version": __version__, "products": [describe(product) for product in products]}


@public.post("/orders", status_code=202)
def place_order(new: NewOrder) -> dict:
    with Session() as session:
        if session.get(Product, new.product_id) is None:
            raise HTTPException(404, "there is no such product")
        order = Order(product_id=new.product_id, quantity=new.quantity)
        session.add(order)
        session.commit()
        fulfil.delay(order.id)
        return {"id": order.id, "state": order.state}


@public.get("/orders/{order_id}")
def read_order(order_id: int) -> dict:
    with Session() as session:
        order = session.get(Order, order_id)
        if order is None:
            raise HTTPException(404, "there is no such order")
        return {"id": order.id, "product_id": order.product_id, "quantity": order.quantity, "state": order.state}


app.include_router(public)
