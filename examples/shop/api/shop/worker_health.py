"""Asks the worker of this very container; `celery inspect ping` alone would be content with any other's answer."""

import socket
import sys

from .worker import app

name = f"celery@{socket.gethostname()}"
answers = app.control.inspect(destination=[name], timeout=5).ping() or {}
if name not in answers:
    sys.exit(f"{name} does not answer")
print(f"{name} answers")
