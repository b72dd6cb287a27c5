# SPDX-License-Identifier: Apache-2.0
"""Answers questions about P-256 on either interpreter:
`micropython p256_lines.py QUESTIONS DIRECTORY...`; the directories become the import path.

A question is a verb and hexadecimal fields; one line answers it. The file is read line by line,
because all questions together are larger than a board's heap.
"""

import sys


def verify(p256, public, digest, signature):
    """The verdict on a bare and on a known key."""
    verdicts = []
    for make in (bytes, p256.KnownKey):
        try:
            p256.verify(make(public), digest, signature)
        except p256.BadSignature:
            verdicts.append("bad")
        else:
            verdicts.append("good")
    return " ".join(verdicts)


def sign(p256, secret, digest, extra):
    return p256.sign(int.from_bytes(secret, "big"), digest, extra).hex()


def public(p256, secret):
    return p256.public_key(int.from_bytes(secret, "big")).hex()


def ecdh(p256, secret, public):
    return p256.ecdh(int.from_bytes(secret, "big"), public).hex()


VERBS = {"verify": verify, "sign": sign, "public": public, "ecdh": ecdh}


def answer(p256, line):
    """An empty field is written as a dash."""
    words = line.split()
    fields = [b"" if word == "-" else bytes.fromhex(word) for word in words[1:]]
    return VERBS[words[0]](p256, *fields)


def main():
    sys.path[:] = sys.argv[2:] + [".frozen"]
    from duotap import p256

    with open(sys.argv[1]) as questions:
        for line in questions:
            print(answer(p256, line))


if __name__ == "__main__":
    main()
