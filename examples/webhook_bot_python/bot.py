"""A webhook bot for Relevo in Python's standard library.

It checks the signature of every turn, answers most of them at once, answers the slow one later, asks for a person where
it should, and does the work of a turn once even when the turn is delivered twice.

    RELEVO_SECRET=whsec_... python3 bot.py
"""

import base64
import hashlib
import hmac
import json
import os
import re
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections import OrderedDict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOLERANCE = 5 * 60  # seconds that a signature may be old or early, as Standard Webhooks has it
LARGEST_BODY = 256 * 1024  # bytes; a turn is far smaller
REMEMBERED = 1000  # answers kept for turns that are delivered again

ORDER = re.compile(r"\bA-?(\d{3,})\b", re.IGNORECASE)

TEXTS = {
    "es": {
        "hello": "Hola, soy el bot de envíos. ¿En qué te ayudo?",
        "track": "¿Dónde está mi pedido?",
        "human": "Hablar con una persona",
        "number": "¿Cuál es tu número de pedido? Empieza por A.",
        "found": "Tu pedido {order} sale hoy del almacén.",
        "person": "Te paso con una persona.",
    },
    "en": {
        "hello": "Hi, I am the parcel bot. How can I help?",
        "track": "Where is my order?",
        "human": "Talk to a person",
        "number": "What is your order number? It starts with A.",
        "found": "Your order {order} leaves the warehouse today.",
        "person": "I am getting a colleague.",
    },
}


class Refused(Exception):
    """A request that is not answered, with its HTTP status."""

    def __init__(self, status, reason):
        super().__init__(reason)
        self.status = status


class Signer:
    """Signs and checks after Standard Webhooks: HMAC-SHA256 over `id.timestamp.body`."""

    def __init__(self, secret):
        try:
            if not secret.startswith("whsec_"):
                raise ValueError
            self.key = base64.b64decode(secret[len("whsec_") :], validate=True)
        except ValueError:
            raise ValueError("the secret is `whsec_` followed by base64, as in relevo.toml") from None

    def mac(self, message_id, timestamp, body):
        digest = hmac.new(self.key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
        return "v1," + base64.b64encode(digest).decode()

    def headers(self, body):
        message_id, timestamp = f"msg_{uuid.uuid4()}", str(int(time.time()))
        return {
            "content-type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": timestamp,
            "webhook-signature": self.mac(message_id, timestamp, body),
        }

    def check(self, headers, body):
        message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        if not message_id or not timestamp.isdigit():
            raise Refused(401, "not signed")
        if abs(time.time() - int(timestamp)) > TOLERANCE:
            raise Refused(401, "the signature is too old")
        wanted = self.mac(message_id, timestamp, body)
        # During a change of secrets there are several signatures.
        given = headers.get("webhook-signature", "").split(" ")
        if not any(hmac.compare_digest(wanted, one) for one in given):
            raise Refused(401, "the signature is wrong")
        return message_id


def answer(turn):
    """What the bot says now, and whether it will say more: `(answer, later)`."""
    texts = TEXTS.get((turn["conversation"].get("language") or "es")[:2], TEXTS["es"])
    said = turn["message"].get("payload") or turn["message"]["text"]
    order = ORDER.search(said)
    if order:
        number = f"A-{order[1]}"
        found = texts["found"].format(order=number)
        return None, lambda: {"messages": [{"text": found}], "captured": {"order": number}}
    if said == "human":
        handoff = {"reason": "asked with a button", "note": "Greeted, nothing looked up yet."}
        return {"messages": [{"text": texts["person"]}], "handoff": handoff}, None
    if said == "track":
        return {"messages": [{"text": texts["number"]}]}, None
    buttons = [{"title": texts[payload], "payload": payload} for payload in ("track", "human")]
    return {"messages": [{"text": texts["hello"], "buttons": buttons}]}, None


class Bot(ThreadingHTTPServer):
    """The bot's server. `relevo` is where answers that come later are sent; `name` is the bot's id there."""

    daemon_threads = True

    def __init__(self, address, secret, relevo, name="parcels"):
        self.signer, self.relevo, self.name = Signer(secret), relevo.rstrip("/"), name
        super().__init__(address, Handler)
        self.answered = OrderedDict()
        self.lock = threading.Lock()

    def once(self, message_id, turn):
        """The answer to a turn; its work is done once, however often the turn is delivered."""
        with self.lock:
            if message_id in self.answered:
                return self.answered[message_id]
            now, later = self.answered[message_id] = answer(turn)
            if len(self.answered) > REMEMBERED:
                self.answered.popitem(last=False)
        if later:
            threading.Thread(target=self.send, args=(turn, later), daemon=True).start()
        return now, later

    def send(self, turn, later):
        """Sends a later answer. 409 means that a person has taken over: nothing was shown, and nothing more is sent."""
        body = json.dumps({"id": f"answer-{turn['turn']}", **later()}).encode()
        headers = {**self.signer.headers(body), "authorization": f"Bearer {turn['epoch_token']}"}
        request = urllib.request.Request(f"{self.relevo}/bots/{self.name}/replies", body, headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=10):
                self.later_answer("accepted")
        except urllib.error.HTTPError as error:
            self.later_answer("a person has taken over" if error.code == 409 else f"refused with HTTP {error.code}")
        except OSError as error:
            self.later_answer(f"Relevo cannot be reached: {error}")

    def later_answer(self, outcome):
        print(f"later answer: {outcome}", flush=True)


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        try:
            length = int(self.headers.get("content-length") or 0)
            if length > LARGEST_BODY:
                raise Refused(413, f"more than {LARGEST_BODY} bytes")
            body = self.rfile.read(length)
            message_id = self.server.signer.check(self.headers, body)
            try:
                turn = json.loads(body)
            except ValueError:
                raise Refused(400, "not JSON") from None
            now, later = self.server.once(message_id, turn)
            self.reply(202 if later else 200, now)
        except Refused as refused:
            self.reply(refused.status, {"error": str(refused)})

    def reply(self, status, body):
        content = json.dumps(body).encode() if body is not None else b""
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format, *arguments):
        """Quiet: what people say is not for logs."""


def main():
    secret = os.environ.get("RELEVO_SECRET", "")
    port = os.environ.get("PORT", "9000")
    if not port.isdigit():
        sys.exit(f"PORT is a number, not `{port}`")
    try:
        bot = Bot(("127.0.0.1", int(port)), secret, os.environ.get("RELEVO_URL", "http://127.0.0.1:7007"))
    except (ValueError, OSError) as error:
        sys.exit(f"cannot start: {error} (set RELEVO_SECRET, PORT)")
    print(f"listening on http://127.0.0.1:{bot.server_port}/")
    try:
        bot.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
