"""Exercise 7: the originator of the largest prime has the credit, and newcomers are told."""

from peer import solution


class Node(solution("6_introduction")):
    def __init__(self):
        super().__init__()
        self.largest = None

    def hear(self, sender, message):
        if self.largest and sender not in self.peers:
            self.tell(sender)
        super().hear(sender, message)

    def process(self, sender, prime):
        self.credit(sender, prime)
        super().process(sender, prime)

    def credit(self, sender, prime):
        if self.largest is None or prime["data"] > self.largest["data"]:
            self.largest = prime

    def tell(self, newcomer):
        prime = self.largest
        self.send(newcomer, "PRIME", prime["msg_id"], prime["msg_originator"], 0, prime["data"])


if __name__ == "__main__":
    Node().run()
