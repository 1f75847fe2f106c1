"""An acquirer in Python, with pyiso8583 (pip install pyiso8583): a purchase and what follows it.

TARGET is the link's address, PAN and EXPIRY (YYMM) are the card's. With the argument `binary` the
link has `packager = "iso87binary"`. Exits 0 if every answer is as it should be.
"""
import copy
import os
import socket
import struct
import sys
import time

import iso8583
from iso8583.specs import default_ascii

TEXT = {37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 54, 91, 92, 93, 94, 95, 98}


def spec(is_binary):
    """The layout: ASCII throughout, or digits as BCD and bitmaps as bytes."""
    fields = copy.deepcopy(default_ascii)
    if not is_binary:
        return fields
    for name, field in fields.items():
        if name in ("t", "p", "1", "52", "64", "128"):
            field.update(data_enc="b", max_len=field["max_len"] // 2)
        elif name.isdigit() and int(name) not in TEXT and int(name) < 100:
            field.update(data_enc="b", len_count="nibbles")
            field.update({"right_pad" if field["len_type"] else "left_pad": "0"})
        if field["len_type"]:
            field.update(len_enc="bcd", len_type=(field["len_type"] + 1) // 2)
    return fields


class Acquirer:
    def __init__(self, target, is_binary):
        host, port = target.rsplit(":", 1)
        self.line = socket.create_connection((host, int(port)), timeout=60)
        self.spec = spec(is_binary)
        self.stan = int(time.time()) % 900_000

    def ask(self, mti, **fields):
        """Sends a message and returns it with its answer."""
        message = {"t": mti, "7": time.strftime("%m%d%H%M%S", time.gmtime())}
        message.update({name[1:]: value for name, value in fields.items() if value is not None})
        if "11" not in message:
            self.stan += 1
            message["11"] = f"{self.stan:06}"
        raw, _ = iso8583.encode(message, self.spec)
        self.line.sendall(struct.pack(">H", len(raw)) + raw)
        answer, _ = iso8583.decode(self.read(self.read(2)), self.spec)
        assert answer["11"] == message["11"], (message["11"], answer["11"])
        expected = mti[:2] + str(int(mti[2]) + 1) + "0"
        assert answer["t"] == expected, (answer["t"], expected)
        return message, answer

    def read(self, count):
        """That many bytes, or as many as two bytes of length say."""
        count = count if isinstance(count, int) else struct.unpack(">H", count)[0]
        data = b""
        while len(data) < count:
            more = self.line.recv(count - len(data))
            assert more, "the host closed the connection"
            data += more
        return data

    def pay(self, mti, amount, code="000000", **fields):
        """A message about the card."""
        now = time.gmtime()
        own = {
            "_2": os.environ["PAN"], "_3": code, "_4": f"{amount:012}",
            "_12": time.strftime("%H%M%S", now), "_13": time.strftime("%m%d", now),
            "_14": os.environ["EXPIRY"], "_18": "5999", "_22": "012", "_25": "59",
            "_32": "412345", "_41": "TERM0001", "_42": "MERCHANT0000001", "_49": "840",
            "_43": "TEST SHOP                SINGAPORE    SG",
        }
        own["_37"] = f"{self.stan + 1:012}"
        return self.ask(mti, **{**own, **fields})


def fields_of(message):
    """The fields of a message, to send it again."""
    return {f"_{name}": value for name, value in message.items() if name.isdigit()}


def naming(message):
    """DE90 of a message, and the numbers that it shares with its original."""
    original = message["t"] + message["11"] + message["7"] + "00000412345" + "0" * 11
    return {"_90": original, "_37": message["37"], "_12": message["12"], "_13": message["13"]}


def code(answer, expected):
    assert answer["39"] == expected, (answer["t"], answer["39"], expected)
    print(answer["t"], answer["39"], answer.get("38", ""))


def main():
    acquirer = Acquirer(os.environ["TARGET"], "binary" in sys.argv[1:])
    for management in ("001", "301"):
        code(acquirer.ask("0800", _70=management)[1], "00")
    bought, approved = acquirer.pay("0100", 1550)
    code(approved, "00")
    assert approved["41"] == "TERM0001" and approved["37"] == bought["37"]
    _, repeated = acquirer.ask("0101", **fields_of(bought))
    code(repeated, "00")
    assert repeated["38"] == approved["38"], "a repeat gets the first answer"
    partly = "0" * 9 + "500" + "0" * 12 + "C00000000C00000000"
    code(acquirer.pay("0420", 1550, _95=partly, _39="32", **naming(bought))[1], "00")
    code(acquirer.pay("0220", 500, _39="00", _38=approved["38"], **naming(bought))[1], "00")
    stood_in, answer = acquirer.pay("0120", 700, _39="00", _38="271828")
    code(answer, "00")
    code(acquirer.pay("0400", 700, _39="17", **naming(stood_in))[1], "00")
    sold, answer = acquirer.pay("0200", 900)
    code(answer, "00")
    refund = naming(sold)["_90"]
    code(acquirer.pay("0200", 400, code="200000", _90=refund)[1], "00")
    code(acquirer.pay("0100", 0)[1], "00")
    _, refused = acquirer.pay("0100", 100, _12="250000")
    code(refused, "30")
    assert refused["44"].strip() == "012", "the field at fault"
    code(acquirer.pay("0100", 100, _2="4000990012345678")[1], "14")


main()
