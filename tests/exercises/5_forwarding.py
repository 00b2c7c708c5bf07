"""Exercise 5: forward a PRIME exactly: one TTL less, otherwise as it was, and not to who has it."""

from peer import solution


class Node(solution("4_duplicates")):
    def receivers(self, sender, prime):
        return [peer for peer in super().receivers(sender, prime) if peer != prime["msg_originator"]]


if __name__ == "__main__":
    Node().run()
