#!/usr/bin/env python3
"""Checks protocol.txt with nothing of mersenned: the msgpack package, and SipHash-2-4 written from its paper.

Usage: check.py [FILE]. Says how many vectors it checked; exits 1 at the first that is wrong, 77 without msgpack.
"""

import ipaddress
import json
import pathlib
import sys

MASK = 2**64 - 1


def siphash(key, message):
    """SipHash-2-4 (Aumasson & Bernstein, 2012) of bytes, under a key of 16 bytes."""

    def rotate(x, n):
        return (x << n | x >> 64 - n) & MASK

    def rounds(v, count):
        for _ in range(count):
            v[0] = v[0] + v[1] & MASK
            v[2] = v[2] + v[3] & MASK
            v[1] = rotate(v[1], 13) ^ v[0]
            v[3] = rotate(v[3], 16) ^ v[2]
            v[0] = rotate(v[0], 32)
            v[2] = v[2] + v[1] & MASK
            v[0] = v[0] + v[3] & MASK
            v[1] = rotate(v[1], 17) ^ v[2]
            v[3] = rotate(v[3], 21) ^ v[0]
            v[2] = rotate(v[2], 32)

    k0, k1 = (int.from_bytes(key[i : i + 8], "little") for i in (0, 8))
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]
    padded = message + bytes(7 - len(message) % 8) + bytes([len(message) % 256])
    for i in range(0, len(padded), 8):
        word = int.from_bytes(padded[i : i + 8], "little")
        v[3] ^= word
        rounds(v, 2)
        v[0] ^= word
    v[2] ^= 0xFF
    rounds(v, 4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def address_bytes(text):
    """16 bytes of IPv6, IPv4 mapped into it, then the port."""
    host, _, port = text.rpartition(":")
    ip = ipaddress.ip_address(host.strip("[]"))
    mapped = ip.packed if ip.version == 6 else bytes(10) + b"\xff\xff" + ip.packed
    return mapped + int(port).to_bytes(2, "big")


def u64(text, base=10):
    return int(text, base).to_bytes(8, "big")


PUBLIC = bytes(16)
HASHES = {
    "bytes": lambda key, message: siphash(bytes.fromhex(key), bytes.fromhex(message)),
    "address": lambda key, address: siphash(bytes.fromhex(key), address_bytes(address)),
    "rank": lambda address, id, exponent: siphash(PUBLIC, address_bytes(address) + u64(id) + u64(exponent)),
    "known": lambda exponent, rank: siphash(PUBLIC, u64(exponent) + u64(rank, 16)),
}


def as_json(value):
    """What msgpack unpacked, with bytes as JSON shows them."""
    if isinstance(value, dict):
        return {name: as_json(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [as_json(inner) for inner in value]
    return value.hex() if isinstance(value, bytes) else value


def read(path):
    """The hashes as (line, words, hash), and the datagrams as (name, bytes, JSON)."""
    hashes, datagrams = [], []
    for line in path.read_text().splitlines():
        if line.startswith("datagram: "):
            datagrams.append({"name": line.partition(": ")[2], "hex": "", "json": ""})
        elif line in ("hex:", "json:"):
            part = line[:-1]
        elif line.startswith("  "):
            datagrams[-1][part] += line
        elif line and not line.startswith("#"):
            words, _, value = line.partition(" = ")
            hashes.append((line, words.split(), int(value, 16)))
    return hashes, [(d["name"], bytes.fromhex(d["hex"]), json.loads(d["json"])) for d in datagrams]


def main():
    try:
        import msgpack
    except ImportError:
        print("the Python package msgpack is not installed")
        return 77
    default = pathlib.Path(__file__).with_name("protocol.txt")
    hashes, datagrams = read(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default)
    for line, (kind, *arguments), expected in hashes:
        if HASHES[kind](*arguments) != expected:
            print(f"wrong hash: {line}")
            return 1
    for name, datagram, meaning in datagrams:
        content = msgpack.unpackb(datagram)
        if as_json(content) != meaning or list(content) != list(meaning):
            print(f"wrong meaning: {name}")
            return 1
        if msgpack.packb(content) != datagram:
            print(f"not written as short as it can be: {name}")
            return 1
    print(f"{len(hashes)} hashes and {len(datagrams)} datagrams are right")
    return 0


if __name__ == "__main__":
    sys.exit(main())
