# SPDX-License-Identifier: Apache-2.0
"""AES-CCM with NIST's vectors (CAVS 11.0, AES-128, 13-byte nonce, 16-byte tag)."""

from duotap import ccm
from duotap.errors import Broken, Malformed
from own_cipher import Aes
from raising import raises

# Key, nonce, additional data, plaintext, sealed. Lengths around the edges of blocks.
SEALED = (
    (
        "d24a3d3dde8c84830280cb87abad0bb3",
        "f1100035bb24a8d26004e0e24b",
        "",
        "7c86135ed9c2a515aaae0e9a208133897269220f30870006",
        "1faeb0ee2ca2cd52f0aa3966578344f24e69b742c4ab37ab1123301219c70599b7c373ad4b3ad67b",
    ),
    (
        "08b0da255d2083808a1b4d367090bacc",
        "777828b13679a9e2ca89568233",
        "dd",
        "1b156d7e2bf7c9a25ad91cff7b0b02161cb78ff9162286b0",
        "e8b80af4960d5417c15726406e345c5c46831192b03432eed16b6282283e16602331bcca9d51ce76",
    ),
    (
        "d1da2e961e78063af8de41865b226873",
        "03739f5474857006340cce554d",
        "e3afd091d2b588465872a6300f",
        "8e5fa1a6662a8378cda15697e926841594f2f394fa5a34ab",
        "ca0d95e3ff186ad6b88d45fc4079e6b7b4a615e7e8dd5f4742d522cc9dc19c47a4fa0b1528069cf8",
    ),
    (
        "1eee667267ef10b03624cf9c341e3f75",
        "0630a3eae27e505c61c56e6560",
        "d24651ef0561282d3e20e834960c",
        "798e31cce0a83702a95171fb1162a17b9ce00ec3592ce262",
        "f3c3e52f1a1ff528a8d3783ee4e75f114e3e6416334815d2d9236d5c5c9319092078411b72c51ba8",
    ),
    (
        "dbbd26f5d9e970e4e384b2273961be5a",
        "0b1eabe504ef4822542e397fec",
        "477937301c83ba02d50760b603e0ea",
        "553714e17a208a2eceb847a4a2d95088388b1ac8d8ca43e0",
        "1c80213268bad5402c4dc9b5d836ab7499810d0d8a974716df9a0e986ab2890736423bb3772cec3e",
    ),
    (
        "5a33980e71e7d67fd6cf171454dc96e5",
        "33ae68ebb8010c6b3da6b9cb29",
        "eca622a37570df619e10ebb18bebadb2f2b49c4d2b2ff715873bb672e30fc0ff",
        "a34dfa24847c365291ce1b54bcf8d9a75d861e5133cc3a74",
        "7a60fa7ee8859e283cce378fb6b95522ab8b70efcdb0265f7c4b4fa597666b86dd1353e400f28864",
    ),
    (
        "2ebf60f0969013a54a3dedb19d20f6c8",
        "1de8c5e21f9db33123ff870add",
        "e1de6c6119d7db471136285d10b47a450221b16978569190ef6a22b055295603",
        "",
        "0ead29ef205fbb86d11abe5ed704b880",
    ),
    (
        "6ae7a8e907b8720f4b0d5507c1d0dc41",
        "7f18ad442e536a0159e7aa8c0f",
        "9c9b0f11e020c6512a63dfa1a5ec8df8bd8e2ad83cf87b80b38635621c5dc0d7",
        "0e",
        "4c201784bdab19e255787fecd02000c49d",
    ),
    (
        "38be46d271bf868c198052391f8a2147",
        "6758f67db9bfea5f0e0972e08b",
        "c6de3be97f11d0e2ab85c9353b783f25b37366a78a2012cecf5b7a87138b3c86",
        "61bd1385be92097e866550a55278f0",
        "7c9fa8d99b38f825315ece6a2613f55e902f296dcce870263ae50cda4fadae",
    ),
    (
        "70010ed90e6186ecad41f0d3c7c42ff8",
        "a5f4f4986e98472965f5abcc4b",
        "3fec0e5cc24d67139437cbc8112414fc8daccd1a94b49a4c76e2d39303547317",
        "be322f58efa7f8c68a635e0b9cce77f2",
        "8e4425ae573974f0f0693a188b525812eef08e3fb15f4227e0d989a4d587a8cf",
    ),
    (
        "79eae5baddc5887bdf3031fd1d65085b",
        "9da59614535d1fad35f2ece00f",
        "46603500af9e4e7a2f9545411a58b21a6efd21f2b5f315d02d964c09270145b3",
        "001343e6191f5f1738e7d19d4eec2b9592",
        "2162e27bfbf1d00f2404754a254665fd9270f0edb415993588b2535e2e0e4fd086",
    ),
    (
        "43c1142877d9f450e12d7b6db47a85ba",
        "76becd9d27ca8a026215f32712",
        "6a59aacadd416e465264c15e1a1e9bfa084687492710f9bda832e2571e468224",
        "b506a6ba900c1147c806775324b36eb376aa01d4c3eef6f5",
        "14b14fe5b317411392861638ec383ae40ba95fefe34255dc2ec067887114bc370281de6f00836ce4",
    ),
    (
        "ac87fef3b76e725d66d905625a387e82",
        "61bf06b9fa5a450d094f3ddcb5",
        "0245484bcd987787fe97fda6c8ffb6e7058d7b8f7064f27514afaac4048767fd",
        "959403e0771c21a416bd03f3898390e90d0a0899f69f9552",
        "cabf8aa613d5357aa3e70173d43f1f202b628a61d18e8b572eb66bb8213a515aa61e5f0945cd57f4",
    ),
)

# DVPT128 with `Result = Fail`: key, nonce, additional data, sealed.
FORGED = (
    (
        "19ebfde2d5468ba0a3031bde629b11fd",
        "32a7cd361ef00e65f5778fdfd4",
        "",
        "b82ab6f3bbf59b6caafc54f05570f74e",
    ),
    (
        "90929a4b0ac65b350ad1591611fe4829",
        "a8849b44adb48d271979656930",
        "",
        "d3a7a25f71b1988482dc852ed713d55abdcc4bb1129ddcae430889cd5c97343cc0dedfbd62e6b6eb",
    ),
    (
        "f9fdca4ac64fe7f014de0f43039c7571",
        "fcdda3c5f0e80843b03d8788da",
        "03f22247a55461a293d253c77483859fdac1b87c2480e208a3df767cfbfde512",
        "004cbe11292887e246de7704a4a1a05f",
    ),
    (
        "26511fb51fcfa75cb4b44da75a6e5a0e",
        "2fa8120398d1a946f391367cf6",
        "92558a239c8e13230754f23aec67b153db29fdfc7daf641778185dd2931d89da",
        "791a62d5fb39ff9735ad94507e1afe2647714d5cc56b6ff4233ec600bca1d31f704807494fb0f18d",
    ),
)

KEY = bytes(range(16))
NONCE = bytes(range(13))


class OneByOne:
    """The same AES, a block a call: what pieces the caller chooses must not matter."""

    def __init__(self, key):
        self.aes = Aes(key)

    def ecb(self, blocks):
        return b"".join(self.aes.ecb(blocks[i : i + 16]) for i in range(0, len(blocks), 16))

    def cbc(self, iv, blocks):
        out = b""
        for i in range(0, len(blocks), 16):
            iv = self.aes.cbc(iv, blocks[i : i + 16])
            out += iv
        return out


def test_nist_sealed():
    for key, nonce, aad, plain, sealed in SEALED:
        aes = Aes(bytes.fromhex(key))
        nonce, aad = bytes.fromhex(nonce), bytes.fromhex(aad)
        plain, sealed = bytes.fromhex(plain), bytes.fromhex(sealed)
        assert ccm.seal(aes, nonce, plain, aad) == sealed
        assert ccm.unseal(aes, nonce, sealed, aad) == plain


def test_nist_forged():
    for key, nonce, aad, sealed in FORGED:
        aes = Aes(bytes.fromhex(key))
        nonce, aad, sealed = bytes.fromhex(nonce), bytes.fromhex(aad), bytes.fromhex(sealed)
        assert raises(Malformed, ccm.unseal, aes, nonce, sealed, aad)


def test_lengths_around_pieces():
    for size in (0, 1, 511, 512, 513, 1023, 1024, 1025, 4097):
        plain = bytes(i * 7 & 255 for i in range(size))
        sealed = ccm.seal(Aes(KEY), NONCE, plain, b"head")
        assert sealed == ccm.seal(OneByOne(KEY), NONCE, plain, b"head")
        assert ccm.unseal(Aes(KEY), NONCE, sealed, b"head") == plain


def test_every_bit_counts():
    plain, aad = b"seventeen bytes..", b"ad"
    sealed = ccm.seal(Aes(KEY), NONCE, plain, aad)
    for i in range(8 * len(sealed)):
        forged = bytearray(sealed)
        forged[i >> 3] ^= 1 << (i & 7)
        assert raises(Malformed, ccm.unseal, Aes(KEY), NONCE, bytes(forged), aad)
    for cut in range(len(sealed)):
        assert raises(Malformed, ccm.unseal, Aes(KEY), NONCE, sealed[:cut], aad)
    assert raises(Malformed, ccm.unseal, Aes(KEY), NONCE, sealed + b"\x00", aad)
    assert raises(Malformed, ccm.unseal, Aes(KEY), NONCE, sealed, aad + b"\x00")
    assert raises(Malformed, ccm.unseal, Aes(KEY), NONCE, sealed, b"")
    assert raises(Malformed, ccm.unseal, Aes(KEY), bytes(13), sealed, aad)
    assert raises(Malformed, ccm.unseal, Aes(bytes(16)), NONCE, sealed, aad)


def test_limits():
    aes = Aes(KEY)
    assert raises(Broken, ccm.seal, aes, NONCE, bytes(0x10000), b"")
    assert raises(Malformed, ccm.unseal, aes, NONCE, bytes(0x10000 + 16), b"")
    assert raises(Broken, ccm.seal, aes, NONCE, b"", bytes(0xFF00))
    for nonce in (b"", bytes(12), bytes(14)):
        assert raises(Broken, ccm.seal, aes, nonce, b"", b"")
        assert raises(Broken, ccm.unseal, aes, nonce, bytes(16), b"")
