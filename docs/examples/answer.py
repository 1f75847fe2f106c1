"""Answers authorisation notices and takes webhooks: Python's standard library and the command openssl.

PORT=9000 PLATFORM_PUBLIC_KEY=... PRIVATE_KEY_FILE=enterprise.pem SECRET_KEY=... python3 answer.py
"""
import base64, hashlib, hmac, json, os, subprocess, sys, tempfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

OWN = os.environ["PRIVATE_KEY_FILE"]
SECRET = os.environ["SECRET_KEY"].encode()
PLATFORM = os.path.join(tempfile.mkdtemp(), "platform.pem")
with open(PLATFORM, "w") as pem:
    pem.write("-----BEGIN PUBLIC KEY-----\n")
    pem.write(base64.encodebytes(base64.b64decode(os.environ["PLATFORM_PUBLIC_KEY"])).decode())
    pem.write("-----END PUBLIC KEY-----\n")


def openssl(data, *arguments):
    return subprocess.run(["openssl", *arguments], input=data, capture_output=True, check=True).stdout


def verify(text, signature):
    with tempfile.NamedTemporaryFile() as file:
        file.write(base64.b64decode(signature))
        file.flush()
        openssl(text.encode(), "dgst", "-sha256", "-verify", PLATFORM, "-signature", file.name)


def decide(data):
    """00 = yes, 01 = not enough money, 11 = not allowed, 21 = cannot say."""
    return "00" if float(data["amount"]) <= 500 else "01"


def answer(body, headers):
    # Amounts stay texts, so that no digit is lost and equal means equal.
    notice = json.loads(body, parse_float=str, parse_int=str)
    data = notice["data"]
    verify(data["encryptedData"], headers["X-Auth-Signature"])
    block = base64.b64decode(data["encryptedData"])
    plain = openssl(block, "pkeyutl", "-decrypt", "-inkey", OWN)
    signed = json.loads(plain, parse_float=str, parse_int=str)
    # Only these four are signed: what stands beside them in clear must be the same.
    for name in ("authId", "direction", "currency", "amount"):
        if signed[name] != data[name]:
            raise ValueError(name + " differs from what was signed")
    reply = json.dumps({"authId": data["authId"], "responseCode": decide(data)}).encode()
    block = openssl(reply, "pkeyutl", "-encrypt", "-pubin", "-inkey", PLATFORM)
    text = base64.b64encode(block).decode()
    signature = openssl(text.encode(), "dgst", "-sha256", "-sign", OWN)
    return json.dumps({"signature": base64.b64encode(signature).decode(), "encryptData": text}).encode()


def webhook(body, headers):
    expected = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, headers["X-Signature"].lower()):
        raise ValueError("X-Signature is not that of this body")
    print("webhook", json.loads(body)["webhookType"], flush=True)
    return b""


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            status, reply = 200, (answer if self.path == "/auth" else webhook)(body, self.headers)
        except Exception as error:
            status, reply = 400, str(error).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)


server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", 9000))), Server)
print("answering on port", server.server_port, flush=True)
server.serve_forever()
