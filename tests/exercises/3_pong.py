"""Exercise 3: answer a PING with a PONG of the same number."""

from peer import solution


class Node(solution("2_eviction")):
    def hear(self, sender, message):
        super().hear(sender, message)
        if message["msg_type"] == "PING":
            self.answer(sender, message)

    def answer(self, sender, ping):
        self.send(sender, "PONG", ping["msg_id"])


if __name__ == "__main__":
    Node().run()
