"""The bot over real HTTP, with a server in Relevo's place for answers that come later."""

import json
import threading
import time
import unittest
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Queue

from bot import LARGEST_BODY, TOLERANCE, Bot, Signer

SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def turn(text, payload=None, language="en"):
    return {
        "type": "turn",
        "turn": "t1",
        "epoch_token": "token-of-t1",
        "conversation": {"id": "c1", "inbox": "shop", "channel": "web", "language": language},
        "message": {"id": "m1", "text": text, "payload": payload},
    }


class Relevo(HTTPServer):
    """Takes later answers with a given status."""

    def __init__(self, status):
        super().__init__(("127.0.0.1", 0), RelevoHandler)
        self.status, self.answers = status, Queue()


class RelevoHandler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.send_response(self.server.status)
        self.send_header("content-length", "0")
        self.end_headers()
        self.server.answers.put((self.path, self.headers, body))

    def log_message(self, format, *arguments):
        pass


class BotTest(unittest.TestCase):
    def start(self, status=200):
        self.relevo = self.serve(Relevo(status))
        self.outcomes = Queue()
        self.bot = Bot(("127.0.0.1", 0), SECRET, f"http://127.0.0.1:{self.relevo.server_port}")
        self.bot.later_answer = self.outcomes.put
        self.serve(self.bot)
        return self

    def serve(self, server):
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server

    def post(self, body, headers=None):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = Signer(SECRET).headers(body) if headers is None else headers
        request = urllib.request.Request(f"http://127.0.0.1:{self.bot.server_port}/", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def test_a_signed_turn_is_answered_in_the_visitors_language(self):
        self.start()
        for language, word in (("es", "Hola"), ("en", "Hi"), ("fr", "Hola")):
            status, body = self.post(turn("hello", language=language))
            self.assertEqual(status, 200)
            message = json.loads(body)["messages"][0]
            self.assertTrue(message["text"].startswith(word), message)
            self.assertEqual([button["payload"] for button in message["buttons"]], ["track", "human"])

    def test_a_wish_for_a_person_hands_over_with_a_reason_and_a_note(self):
        self.start()
        _, body = self.post(turn("Talk to a person", payload="human"))
        handoff = json.loads(body)["handoff"]
        self.assertEqual(set(handoff), {"reason", "note"})

    def test_what_is_not_signed_or_signed_wrongly_or_long_ago_is_refused(self):
        self.start()
        body = json.dumps(turn("hello")).encode()
        signer = Signer(SECRET)
        old = str(int(time.time()) - TOLERANCE - 10)
        stale = {"webhook-id": "m", "webhook-timestamp": old, "webhook-signature": signer.mac("m", old, body)}
        other = Signer("whsec_" + "A" * 32).headers(body)
        for headers in ({}, other, stale):
            status, answer = self.post(body, headers)
            self.assertEqual(status, 401, answer)
        tampered = signer.headers(body)
        self.assertEqual(self.post(body.replace(b"hello", b"jello"), tampered)[0], 401)

    def test_too_large_a_body_and_one_that_is_not_json_are_refused(self):
        self.start()
        self.assertEqual(self.post(b" " * (LARGEST_BODY + 1), {})[0], 413)
        self.assertEqual(self.post(b"{")[0], 400)

    def test_a_turn_delivered_twice_is_answered_the_same_and_worked_on_once(self):
        self.start()
        body = json.dumps(turn("where is A-1042?")).encode()
        headers = Signer(SECRET).headers(body)
        self.assertEqual([self.post(body, headers)[0] for _ in range(2)], [202, 202])
        self.assertEqual(self.outcomes.get(timeout=10), "accepted")
        self.post(turn("A-2000"))
        self.outcomes.get(timeout=10)
        orders = [json.loads(self.relevo.answers.get(timeout=10)[2])["captured"]["order"] for _ in range(2)]
        self.assertEqual(orders, ["A-1042", "A-2000"])

    def test_a_later_answer_is_signed_and_carries_the_turns_token(self):
        self.start()
        self.post(turn("A1042"))
        path, headers, body = self.relevo.answers.get(timeout=10)
        self.assertEqual(path, "/bots/parcels/replies")
        self.assertEqual(headers["authorization"], "Bearer token-of-t1")
        Signer(SECRET).check(headers, body)
        self.assertEqual(json.loads(body)["id"], "answer-t1")

    def test_a_bot_that_is_too_late_is_told_and_stops(self):
        self.start(status=409)
        self.post(turn("A-1042"))
        self.assertEqual(self.outcomes.get(timeout=10), "a person has taken over")

    def test_a_secret_that_is_none_is_said_so(self):
        for bad in ("", "abc", "whsec_%%%"):
            with self.assertRaisesRegex(ValueError, "whsec_"):
                Bot(("127.0.0.1", 0), bad, "http://127.0.0.1:1")


if __name__ == "__main__":
    unittest.main()
