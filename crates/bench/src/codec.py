# Decodes and encodes the message of the first argument for some seconds; prints how many a second.
import sys
import time

import iso8583
from iso8583.specs import default_ascii

SECONDS = 3.0
message = bytes.fromhex(sys.argv[1])


def round_trip():
    decoded, _ = iso8583.decode(message, default_ascii)
    encoded, _ = iso8583.encode(decoded, default_ascii)
    return encoded


if round_trip() != message:
    sys.exit("the message is not encoded as it came")
count, started = 0, time.process_time()
while (elapsed := time.process_time() - started) < SECONDS:
    for _ in range(100):
        round_trip()
    count += 100
print(count / elapsed)
