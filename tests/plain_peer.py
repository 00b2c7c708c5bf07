"""A plain peer: all of the protocol that a student needs, with nil data only.

    python3 plain_peer.py OWN_PORT PORT_OF_SOME_NODE [EXPONENT_TO_CLAIM]

Prints every message it hears as a line of JSON.
"""
import json, socket, sys, msgpack

own, other, claim = int(sys.argv[1]), int(sys.argv[2]), [int(p) for p in sys.argv[3:]]
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(("127.0.0.1", own))

def send(to, kind, number, ttl=0, data=None):
    udp.sendto(msgpack.packb({"msg_type": kind, "msg_id": number, "msg_forwarder": own, "msg_originator": own,
                              "ttl": ttl, "data": data}), ("127.0.0.1", to))

send(other, "PING", 0)
for number, exponent in enumerate(claim, start=1):
    send(other, "PRIME", number, 2, exponent)
while True:
    datagram, (_, sender) = udp.recvfrom(2048)
    message = msgpack.unpackb(datagram)
    if message["msg_type"] == "PING":
        send(sender, "PONG", message["msg_id"])
    message["data"] = message["data"] if message["msg_type"] == "PRIME" else None
    print(json.dumps(message | {"from": sender}, default=str), flush=True)
