import os
import time

from celery import Celery

from .database import Session
from .models import Order

app = Celery("shop", broker=os.environ["REDIS_URL"])
app.conf.update(
    # A task that a worker took and did not finish, because it was killed, is given to another one.
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    task_ignore_result=True,
    broker_connection_retry_on_startup=True,
)


@app.task
def fulfil(order_id: int) -> None:
    """Packs an order, which takes its time. Repeated, it changes nothing more."""
    time.sleep(float(os.environ.get("PACKING_SECONDS", "0.2")))
    with Session() as session:
        order = session.get(Order, order_id)
        if order is None or order.state == "shipped":
            return
        order.state = "shipped"
        session.commit()
