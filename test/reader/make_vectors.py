"""Writes recovery_vectors.json: keys, a DR slot, a keyring and a bundle of fixed inputs, made from docs/format.md alone by tiny_writer.py."""
import base64
import hashlib
import json
import os
import tempfile
import unicodedata
import uuid

from tiny_writer import Writer, b64

PASSPHRASE, DR_PASSPHRASE = "a passphrase of a passkey", "o\u0308ffnet die Kopie des Katalogs"


def fixed(text, n=32):
    return hashlib.sha256(b"vectors of recovery " + text.encode()).digest()[:n]


class Fixed(Writer):
    @staticmethod
    def now():
        return "2026-01-02T03:04:05.678Z"


def main():
    with tempfile.TemporaryDirectory() as folder:
        w = Fixed(folder, PASSPHRASE, fixed("salt"), uuid.UUID("0f1e2d3c-4b5a-4978-8695-a4b3c2d1e0ff"))
        w.store, w.mk = fixed("store", 16), fixed("master key")
        w.master = w.kdf(w.mk, b"master-key-id", b"", 16)
        w.keyring()
        w.recovery(unicodedata.normalize("NFC", DR_PASSPHRASE), fixed("recovery key"))
        w.slot_json = w.dr_slot("01234567-89ab-4cde-8f01-23456789abcd")
        w.keyring()
        catalog = b"a catalog that is no database, " * 20
        path = w.bundle(catalog, pad=False, object_id=fixed("bundle", 16), salt=fixed("bundle salt"), restorePoints=3,
                        audit={"sequence": 5, "sha256": b64(fixed("audit"))})
        vectors = {
            "installationId": str(w.installation), "storeId": str(uuid.UUID(bytes=w.store)), "masterKey": w.mk.hex(), "drPassphrase": DR_PASSPHRASE,
            "kek": w.dr_kek.hex(), "commit": w.dr_commit.hex(), "nameKey": w.name_key.hex(), "drk": w.drk.hex(), "drkId": w.drk_id.hex(),
            "bundleKey": w.kdf(w.drk, b"bundle").hex(), "keyringDrMac": w.kdf(w.drk, b"keyring-mac").hex(),
            "slot": w.slot_json.decode(), "keyring": b64(w.last_keyring), "bundleName": os.path.basename(path), "bundle": b64(w.last_bundle),
            "catalog": base64.b64encode(catalog).decode()}
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "recovery_vectors.json"), "w") as f:
        json.dump(vectors, f, indent=2)
        f.write("\n")


if __name__ == "__main__":
    main()
