# A mail server that keeps what it hears: aiosmtpd, three ports of one machine. Told by test/lab/mail-server.ts what to do, on standard input.
import asyncio
import json
import os
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult


def say(value):
    print(json.dumps(value), flush=True)


class Inbox:
    how = "takes"

    async def handle_DATA(self, server, session, envelope):
        if self.how == "refuses":
            return "554 5.7.1 this mail is not wanted"
        if self.how == "hangs":
            await asyncio.Event().wait()
        say({
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "data": envelope.content.decode("utf8", "surrogateescape"),
            "tls": session.ssl is not None or server.transport.get_extra_info("ssl_object") is not None,
            "user": session.auth_data,
        })
        return "250 2.0.0 kept"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"


def authenticator(server, session, envelope, mechanism, data):
    user, password = data.login.decode(), data.password.decode()
    right = user == os.environ["MAIL_USER"] and password == os.environ["MAIL_PASSWORD"]
    return AuthResult(success=right, handled=False, auth_data=user)


async def main():
    inbox = Inbox()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(os.environ["MAIL_CERTIFICATE"], os.environ["MAIL_KEY"])
    loop = asyncio.get_running_loop()
    with_login = {"auth_required": True, "authenticator": authenticator}
    starttls = await loop.create_server(
        lambda: SMTP(inbox, tls_context=context, require_starttls=True, **with_login), "127.0.0.1", 0
    )
    # The library takes TLS from the first byte for none, so it is told not to ask for it.
    implicit = await loop.create_server(
        lambda: SMTP(inbox, auth_require_tls=False, **with_login), "127.0.0.1", 0, ssl=context
    )
    none = await loop.create_server(lambda: SMTP(inbox), "127.0.0.1", 0)
    servers = {"starttls": starttls, "implicit": implicit, "none": none}
    say({name: server.sockets[0].getsockname()[1] for name, server in servers.items()})
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        if line.strip() != "as before":
            inbox.how = line.strip()
        say({"how": inbox.how})
    # Who started it is gone.
    os._exit(0)


asyncio.run(main())
