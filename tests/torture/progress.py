"""Reads progress records of changelogs (docs/formats.md), on its own."""

KEY = b"\xff\xff"


class Bytes:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        if self.at + n > len(self.data):
            raise ValueError("a progress record ends too early")
        self.at += n
        return self.data[self.at - n:self.at]

    def varint(self):
        value = shift = 0
        while True:
            b = self.take(1)[0]
            value |= (b & 0x7f) << shift
            if b < 0x80:
                return value
            shift += 7

    def svarint(self):
        v = self.varint()
        return (v >> 1) ^ -(v & 1)

    def text(self):
        n = self.varint()
        return self.take(n - 1).decode() if n else None


class Progress:
    """sequence, instance, txn_id, and inputs: (topic, partition) -> next"""

    def __init__(self, value):
        b = Bytes(value)
        if b.take(1)[0] != 3:
            raise ValueError("not version 3 of a progress record")
        b.take(8)
        self.sequence = b.varint()
        b.svarint()
        self.instance, self.txn_id = b.text(), b.text()
        self.inputs = {}
        for _ in range(b.varint()):
            topic, partition, following = b.text(), b.svarint(), b.svarint()
            b.svarint()
            b.svarint()
            for _ in range(b.varint()):
                b.svarint()
                b.take(1)
            b.svarint()
            b.svarint()
            # Two tables over one topic: the one that is behind counts.
            at = (topic, partition)
            self.inputs[at] = min(following, self.inputs.get(at, following))
