"""Exercise 6: the originator of a PRIME becomes a peer."""

from peer import solution


class Node(solution("5_forwarding")):
    def process(self, sender, prime):
        self.learn(prime)
        super().process(sender, prime)

    def learn(self, prime):
        self.peers[prime["msg_originator"]] = self.now()


if __name__ == "__main__":
    Node().run()
