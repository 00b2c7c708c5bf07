"""The solutions, each with one rule broken: a judge that lets one of these pass judges nothing.

    python3 broken.py RULE PORT PEER… [--ping S] [--timeout S]
"""

import sys

from peer import solution


class PingsOnce(solution("1_liveness")):
    def send(self, to, msg_type, *rest):
        self.pinged = getattr(self, "pinged", set())
        if to not in self.pinged:
            super().send(to, msg_type, *rest)
        self.pinged.add(to)


class IgnoresStrangers(solution("1_liveness")):
    def hear(self, sender, message):
        if sender in self.peers:
            super().hear(sender, message)


class NeverDrops(solution("2_eviction")):
    def evict(self):
        pass


class DropsTooSoon(solution("2_eviction")):
    def evict(self):
        timeout, self.timeout = self.timeout, self.interval * 1.2
        super().evict()
        self.timeout = timeout


class SaysNothing(solution("3_pong")):
    def answer(self, sender, ping):
        pass


class CountsItsPongs(solution("3_pong")):
    def answer(self, sender, ping):
        self.send(sender, "PONG", self.new_id())


class AnswersPongs(solution("3_pong")):
    def hear(self, sender, message):
        super().hear(sender, message)
        if message["msg_type"] == "PONG":
            self.answer(sender, message)


class ForgetsWhatItSaw(solution("4_duplicates")):
    def is_new(self, message):
        return True


class TellsByNumberAlone(solution("4_duplicates")):
    def is_new(self, message):
        return super().is_new(message | {"msg_originator": 0})


class TakesPingsForDuplicates(solution("4_duplicates")):
    def answer(self, sender, ping):
        if self.is_new(ping):
            super().answer(sender, ping)


class KeepsTheTtl(solution("5_forwarding")):
    def forward(self, sender, prime):
        if prime["ttl"] > 0:
            super().forward(sender, prime | {"ttl": prime["ttl"] + 1})


class ForwardsAtZero(solution("5_forwarding")):
    def forward(self, sender, prime):
        super().forward(sender, prime | {"ttl": max(prime["ttl"], 1)})


class ClaimsWhatItForwards(solution("5_forwarding")):
    def forward(self, sender, prime):
        super().forward(sender, prime | {"msg_originator": self.port})


class SendsBack(solution("5_forwarding")):
    def forward(self, sender, prime):
        super().forward(None, prime)


class LearnsNobody(solution("6_introduction")):
    def learn(self, prime):
        pass


class CreditsTheForwarder(solution("7_credit")):
    def credit(self, sender, prime):
        super().credit(sender, prime | {"msg_originator": sender})


class CreditsTheLatest(solution("7_credit")):
    def credit(self, sender, prime):
        self.largest = prime


class TellsNobody(solution("7_credit")):
    def tell(self, newcomer):
        pass


if __name__ == "__main__":
    globals()[sys.argv.pop(1)]().run()
