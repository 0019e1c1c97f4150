"""A tiny writer of Holdfast stores for tests, made from docs/format.md alone.

It shares nothing with holdfast_reader.py. It makes small, correct stores, and on request
wrong ones: every step takes bytes that a test may have bent.
"""
import base64
import datetime
import hashlib
import hmac
import json
import math
import os
import secrets
import struct
import uuid

import zstandard
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESGCMSIV
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

S = 131072


def hkdf(ikm, salt, info, n):
    return HKDF(hashes.SHA256(), n, salt, info).derive(ikm)


def mac(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def b64(raw):
    return base64.b64encode(raw).decode()


def u16(n):
    return struct.pack("<H", n)


def u32(n):
    return struct.pack("<I", n)


def u64(n):
    return struct.pack("<Q", n)


def tlv(tag, value):
    return bytes([tag]) + u32(len(value)) + value


def entry(name, kind, mode, *tlvs):
    body = b"".join(tlvs)
    return u16(len(name)) + name + bytes([kind]) + u32(mode) + u32(len(body)) + body


def node(level, count, body):
    return b"HFT1" + bytes([level]) + bytes(3) + u32(count) + body


def list_node(level, count, body):
    return b"HFL1" + bytes([level]) + bytes(3) + u32(count) + body


class File:
    def __init__(self, data, mode=0o644, extents=None, size=None, group=None, extra=(), cut=None, kind=1, owner=None):
        self.data, self.mode, self.extents, self.group, self.extra = data, mode, extents, group, list(extra)
        self.size, self.cut, self.kind, self.owner = len(data) if size is None else size, cut or 100_000, kind, owner


class Folder(dict):
    mode, extra = 0o750, ()


class Link:
    def __init__(self, target):
        self.target = target


class Special:
    def __init__(self, kind, *tlvs):
        self.kind, self.tlvs = kind, tlvs


MTIME = (1_600_000_000, 123_456_789)


class Writer:
    def __init__(self, root, passphrase, scrypt_salt=None, installation=None):
        self.location, self.passphrase = root, passphrase.encode()
        self.installation = installation or uuid.uuid4()
        self.inst, self.store = self.installation.bytes, secrets.token_bytes(16)
        self.policy_id, self.source_id = uuid.uuid4(), str(uuid.uuid4())
        self.policy, self.generation, self.epoch = self.policy_id.bytes, 1, 1
        self.mk, self.scrypt_salt = secrets.token_bytes(32), scrypt_salt or secrets.token_bytes(32)
        self.master = self.kdf(self.mk, b"master-key-id", b"", 16)
        self.fanout, self.known, self.packs, self.written = 3, {}, [], []
        self.n_points = self.n_indexes = self.n_keyrings = 0
        self.pending, self.bend = [], {}
        self.drk, self.n_bundles = None, 0
        os.makedirs(root, exist_ok=True)
        with open(os.path.join(root, "holdfast-store"), "w") as f:
            json.dump({"format": "holdfast-store/1", "storeId": str(uuid.UUID(bytes=self.store)), "createdAt": self.now()}, f)

    # ---- keys
    def kdf(self, key, label, context=b"", n=32):
        return hkdf(key, self.inst, b"holdfast/v1/" + label + b"\0" + context, n)

    def policy_key(self, label):
        return self.kdf(self.kdf(self.mk, b"policy", self.policy + u32(self.generation)), label)

    @staticmethod
    def now():
        return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.") + "000Z"

    def put(self, path, data):
        full = os.path.join(self.location, str(self.installation), path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "wb") as f:
            f.write(data)
        return full

    # ---- containers
    def header(self, kind, object_id, sequence, generation=None, length=192, scope=None, last=bytes(16)):
        return struct.pack("<8sHHHHII", b"HOLDFAST", 1, 1, kind, length, 0, self.generation if generation is None else generation) \
            + self.inst + self.master + (self.policy if scope is None else scope) + object_id + u64(sequence) + self.store + last

    @staticmethod
    def target(plain):
        """The plaintext length that gives the padded stored length."""
        segments = max(1, -(-plain // S))
        stored = 192 + plain + 16 * segments
        e = stored.bit_length() - 1
        m = 2 ** (e - (int(math.log2(e)) + 1))
        want = max(65536, -(-(-(-stored // m) * m) // 65536) * 65536)
        while True:
            body = want - 192
            n = -(-body // (S + 16))
            if body - (n - 1) * (S + 16) > 16 and body - 16 * n >= plain:
                return body - 16 * n
            want += 65536

    def seal(self, kind, label, sequence, plain, object_id, generation=None, salt=None, head=None):
        salt = salt or hashlib.sha256(secrets.token_bytes(32) + object_id).digest()
        head = head or self.header(kind, object_id, sequence, generation)
        both = hkdf(self.policy_key(label), salt, b"holdfast/v1/object\0" + head, 64)
        gcm, out, count = AESGCM(both[:32]), [head, salt, both[32:]], max(1, -(-len(plain) // S))
        for i in range(count):
            nonce = bytes(7) + struct.pack(">I", i) + (b"\1" if i == count - 1 else b"\0")
            out.append(gcm.encrypt(nonce, plain[i * S:(i + 1) * S], b""))
        return b"".join(out), salt

    def padded(self, content, junk=False):
        plain = u64(len(content)) + content
        pad = bytearray(self.target(len(plain)) - len(plain))
        if junk:
            pad[-1] = 1
        return plain + bytes(pad)

    # ---- keyring
    def slot(self, passphrase=None, **changes):
        n, r, p = 1 << 17, 8, 1
        out = hashlib.scrypt(passphrase or self.passphrase, salt=self.scrypt_salt, n=n, r=r, p=p, dklen=64, maxmem=1 << 28)
        slot_id = str(uuid.uuid4())
        lines = ["holdfast/slot/v1", str(self.installation), self.master.hex(), slot_id, "passphrase", str(n), str(r), str(p),
                 self.scrypt_salt.hex()]
        wrapped = AESGCMSIV(out[:32]).encrypt(bytes(12), b"mk/v1" + u32(self.epoch) + self.mk, ("\n".join(lines) + "\n").encode())
        return {"slotId": slot_id, "kind": "passphrase", "keyEpoch": self.epoch, "masterKeyId": b64(self.master),
                "reference": {"N": n, "r": r, "p": p, "salt": b64(self.scrypt_salt), "commit": b64(out[32:])},
                "createdAt": self.now(), "wrapped": b64(wrapped), **changes}

    def heads(self, **changes):
        policies = {}
        if self.written:
            policies = {str(self.policy_id): {"sequence": self.written[-1]["sequence"], "sha256": self.written[-1]["sha256"]}}
        return {"policies": policies, "keyring": None, "term": None, **changes}

    def keyring(self, slots=None, heads=None, head_bend=None, **changes):
        self.n_keyrings += 1
        object_id = secrets.token_bytes(16)
        body = json.dumps({"keyEpoch": self.epoch, "createdAt": self.now(), "heads": heads or self.heads(),
                           "slots": slots or [self.slot()], **changes}).encode()
        head = self.header(6, object_id, self.n_keyrings, 0, 128, self.drk_id if self.drk else bytes(16)) + u32(len(body)) + body
        head = head_bend(head) if head_bend else head
        dr_mac = mac(self.kdf(self.drk, b"keyring-mac"), b"\2" + head) if self.drk else bytes(32)
        self.last_keyring = data = head + mac(self.kdf(self.mk, b"keyring-mac"), b"\1" + head) + dr_mac
        return self.put(f"keyring/{self.n_keyrings:016x}-{object_id.hex()}", data)

    # ---- disaster recovery
    def recovery(self, passphrase, drk=None):
        """Turns disaster recovery on, or gives it another passphrase."""
        self.drk = drk or self.drk or secrets.token_bytes(32)
        self.drk_id = self.kdf(self.drk, b"drk-id", b"", 16)
        self.dr_salt = hashlib.sha256(b"holdfast/dr/v1" + self.inst).digest()
        out = hashlib.scrypt(passphrase.encode(), salt=self.dr_salt, n=1 << 18, r=8, p=1, dklen=96, maxmem=1 << 29)
        self.dr_kek, self.dr_commit, self.name_key = out[:32], out[32:64], out[64:]
        self.slot_json = self.dr_slot()

    def dr_slot(self, slot_id=None, plain=None, context=None, reference=None, **changes):
        slot_id = slot_id or str(uuid.uuid4())
        lines = ["holdfast/slot/v1", str(self.installation), self.drk_id.hex(), slot_id, "drPassphrase", "262144", "8", "1", self.dr_salt.hex()]
        wrapped = AESGCMSIV(self.dr_kek).encrypt(bytes(12), plain or b"dr/v1" + self.drk, context or ("\n".join(lines) + "\n").encode())
        return json.dumps({"slotId": slot_id, "kind": "drPassphrase", "drkId": b64(self.drk_id),
                           "reference": {"N": 1 << 18, "r": 8, "p": 1, "salt": b64(self.dr_salt), "commit": b64(self.dr_commit), **(reference or {})},
                           "createdAt": self.now(), "wrapped": b64(wrapped), **changes}).encode()

    def bundle(self, catalog=b"a catalog", created=None, slot=None, frame=None, text=None, tag=None, z_length=None, after=b"", pad=True,
               head_bend=None, hashed=None, name=None, object_id=None, salt=None, key=None, **changes):
        self.n_bundles += 1
        created, object_id, slot = created or self.now(), object_id or secrets.token_bytes(16), slot or self.slot_json
        frame = zstandard.ZstdCompressor(level=3).compress(catalog) if frame is None else frame
        value = {"formatVersion": 1, "created": created, "machineId": str(uuid.UUID(int=7)), "keyring": b64(self.last_keyring),
                 "heads": self.heads(), "base": None, "restorePoints": len(self.written), "audit": None,
                 "catalogSha256": b64(hashlib.sha256(frame).digest()), "catalogLength": len(catalog), "x-note": "skipped", **changes}
        text = json.dumps({k: v for k, v in value.items() if v is not ...}).encode() if text is None else text
        section = u32(len(slot)) + slot
        head = self.header(4, object_id, self.n_bundles, 0, 192, self.drk_id, hashlib.sha256(hashed or section).digest()[:16])
        head = head_bend(head) if head_bend else head
        tag = tag or mac(self.kdf(self.mk, b"owner", bytes(16)), head + u32(len(text)) + text)
        content = u32(len(text)) + text + tag + u64(len(frame) if z_length is None else z_length) + frame + after
        plain = self.padded(content) if pad else u64(len(content)) + content + bytes(10)
        salt = salt or secrets.token_bytes(32)
        both = hkdf(key or self.kdf(self.drk, b"bundle"), salt, b"holdfast/v1/object\0" + head, 64)
        gcm, out, count = AESGCM(both[:32]), [head, salt, both[32:], section], max(1, -(-len(plain) // S))
        for i in range(count):
            nonce = bytes(7) + struct.pack(">I", i) + (b"\1" if i == count - 1 else b"\0")
            out.append(gcm.encrypt(nonce, plain[i * S:(i + 1) * S], b""))
        self.last_bundle, self.last_id = b"".join(out), object_id
        return self.put("recovery/" + (name or self.bundle_name(created, object_id)), self.last_bundle)

    def bundle_name(self, created, object_id):
        time, oid = created[:19].replace("-", "").replace(":", "").replace("T", "t") + "z", object_id.hex()
        return f"{time}-{oid}-{mac(self.name_key, (time + oid).encode())[:16].hex()}"

    # ---- chunks, packs, index
    def chunk(self, kind, data, right_id=True):
        """The id; the chunk waits for a pack unless it is known."""
        key = self.policy_key({1: b"id-data", 2: b"id-tree", 3: b"id-list"}[kind])
        chunk_id = mac(key, data)
        if not right_id:
            chunk_id = bytes([chunk_id[0] ^ 1]) + chunk_id[1:]
        if chunk_id not in self.known:
            self.known[chunk_id] = None
            self.pending.append((kind, chunk_id, data))
        return chunk_id

    def blocks(self):
        """Groups of one kind up to 512 KiB; every other one compressed."""
        groups = []
        for kind, chunk_id, data in sorted(self.pending, key=lambda p: p[0]):
            if not groups or groups[-1][0] != kind or sum(len(d) for _, d in groups[-1][1]) + len(data) > 512 * 1024:
                groups.append((kind, []))
            groups[-1][1].append((chunk_id, data))
        self.pending = []
        for i, (kind, members) in enumerate(groups):
            raw, rows = b"", []
            for chunk_id, data in members:
                rows.append((chunk_id, len(raw), len(data)))
                raw += data
            codec = i % 2 if self.bend.get("codec") is None else self.bend["codec"]
            stored = zstandard.ZstdCompressor(level=3, write_content_size=i % 4 == 1, write_checksum=i % 4 == 3).compress(raw) \
                if codec == 1 else raw
            yield self.bend.get("block", lambda *b: b)(stored, len(raw), codec, kind, rows)

    def pack(self, blocks=None, junk=False):
        plain, directory, rows = b"", b"", []
        for stored, raw_len, codec, kind, members in blocks or self.blocks():
            row = (len(plain), len(stored), raw_len, codec, kind)
            rows.append((row, members))
            directory += struct.pack("<IIIBBH", *row, len(members)) + b"".join(i + u32(o) + u32(n) for i, o, n in members)
            plain += stored
        directory = self.bend.get("directory", lambda d: d)(directory)
        trailer = struct.pack("<IIII", len(plain), len(directory), len(rows), 0) + b"HFPACK01"
        pad = bytearray(self.target(len(plain) + len(directory) + 24) - len(plain) - len(directory) - 24)
        if junk:
            pad[len(pad) // 2] = 1
        plain += directory + bytes(pad) + trailer
        object_id = secrets.token_bytes(16)
        data, salt = self.seal(1, b"pack", 0, plain, object_id)
        h = object_id.hex()
        path = self.put(f"policies/{self.policy_id}/packs/{h[:2]}/{h}", data)
        pack = {"object": object_id, "salt": salt, "length": len(data), "sha256": hashlib.sha256(data).digest(), "rows": rows,
                "path": path, "generation": self.generation, "epoch": self.epoch}
        self.packs.append(pack)
        return pack

    def index(self, packs, version=b"v1", junk=False):
        self.n_indexes += 1
        table, blocks, ids, strings = b"", b"", {}, version
        for p, pack in enumerate(packs):
            table += pack["object"] + pack["salt"] + u32(pack["generation"]) + u32(pack["epoch"]) + u64(pack["length"]) \
                + pack["sha256"] + u32(0) + u32(len(version))
            for row, members in pack["rows"]:
                for chunk_id, offset, n in members:
                    ids[chunk_id] = u32(len(blocks) // 20) + u32(offset) + u32(n)
                blocks += u32(p) + struct.pack("<IIIBBH", *row, 0)
        order = sorted(ids, reverse=self.bend.get("index_order", False))
        content = b"HFIX0001" + u32(len(packs)) + u32(len(blocks) // 20) + u32(len(ids)) + u32(len(strings)) + bytes(8) + u64(0) \
            + table + blocks + b"".join(order) + b"".join(ids[i] for i in order) + strings
        content = self.bend.get("index", lambda c: c)(content)
        object_id = secrets.token_bytes(16)
        data, salt = self.seal(2, b"index", self.n_indexes, self.padded(content, junk), object_id)
        key = f"policies/{self.policy_id}/indexes/{self.n_indexes:016x}-{object_id.hex()}"
        self.put(key, data)
        return {"key": f"{self.installation}/{key}", "versionId": None, "length": len(data),
                "sha256": b64(hashlib.sha256(data).digest()), "objectId": b64(object_id), "salt": b64(salt)}

    # ---- trees
    def list_of(self, ids):
        """(top id, level) of a list; small nodes, so that several levels arise."""
        level, fan = 0, 40
        items = [i + u32(n) for i, n in ids]
        while True:
            cut = [items[k:k + fan] for k in range(0, len(items), fan)]
            nodes = [self.chunk(3, list_node(level, len(c), b"".join(c))) for c in cut]
            if len(nodes) == 1:
                return nodes[0], level
            items, level, fan = nodes, level + 1, 3

    def data_tlvs(self, f):
        pieces = [f.data[i:i + f.cut] for i in range(0, len(f.data), f.cut)]
        ids = [(self.chunk(1, p), len(p)) for p in pieces]
        out = [tlv(0x81, u64(f.size))]
        if 0 < len(ids) <= 64:
            out.append(tlv(0x82, b"".join(i for i, _ in ids)))
        elif ids:
            top, level = self.list_of(ids)
            out.append(tlv(0x83, top + bytes([level]) + u64(len(ids))))
        return out

    def entry(self, name, what):
        times = [tlv(1, struct.pack("<qI", *MTIME))]
        if isinstance(what, Folder):
            return entry(name, 2, what.mode, *times, tlv(0x85, self.folder(what)), *what.extra)
        if isinstance(what, Link):
            return entry(name, 3, 0o777, *times, tlv(0x84, what.target))
        if isinstance(what, Special):
            return entry(name, what.kind, 0o600, *times, *what.tlvs)
        if what.owner:
            times.append(tlv(3, u32(what.owner[0]) + u32(what.owner[1])))
        low = [t for t in what.extra if t[0] < 0x80]
        high = self.data_tlvs(what)
        if what.group is not None:
            high.append(tlv(0x86, u64(what.group)))
        if what.extents is not None:
            high.append(tlv(0x88, b"".join(u64(o) + u64(n) for o, n in what.extents)))
        return entry(name, what.kind, what.mode, *times, *low, *high, *(t for t in what.extra if t[0] >= 0x80))

    def folder(self, items):
        rows = [(n, self.entry(n, items[n])) for n in sorted(items)]
        level = 0
        while True:
            cut = [rows[k:k + self.fanout] for k in range(0, len(rows), self.fanout)] or [[]]
            nodes = []
            for c in cut:
                body = b"".join(v if level == 0 else u16(len(n)) + n + v for n, v in c)
                nodes.append((c[0][0] if c else b"", self.chunk(2, node(level, len(c), body))))
            if len(nodes) == 1:
                return nodes[0][1]
            rows, level = nodes, level + 1

    def root(self, what, name=b"root"):
        return self.chunk(2, node(0, 1, self.entry(name, what)))

    # ---- restore points
    def manifest(self, roots, pins, content=None, finished=None, **changes):
        """roots: [(source id, kind, root id)]. `content` may bend the JSON bytes before the ownerTag."""
        self.n_points += 1
        finished = finished or self.now()
        before = self.written[-1]["sha256"] if self.written else None
        value = {
            "formatVersion": 1, "writer": "tiny-writer", "policyId": str(self.policy_id), "policy": {"rate": 1.5},
            "sequence": self.n_points, "previous": before, "claimed": {"started": None, "finished": finished, "storeTime": None},
            "keyGeneration": self.generation,
            "sources": [{"id": i, "kind": k, "label": "label ü", "nameEncoding": "bytes", "separator": "/", "root": b64(r)}
                        for i, k, r in roots],
            "indexes": pins,
            "live": [{"sequence": w["sequence"], "objectId": w["objectId"], "versionId": None, "sha256": w["sha256"]}
                     for w in self.written],
            "heads": self.heads(), "params": {"chunker": "fixed", "min": 1, "avg": 100000, "max": 100000, "codec": "zstd",
                                              "padding": "log"},
            "statistics": {}, "warnings": [], "x-note": "skipped"}
        value.update(changes)
        value = {k: v for k, v in value.items() if v is not ...}
        text = json.dumps(value, ensure_ascii=False).encode()
        text = content(text) if content else text
        object_id = secrets.token_bytes(16)
        head = self.header(3, object_id, self.n_points)
        body = u32(len(text)) + text
        owner = mac(self.kdf(self.mk, b"owner", self.policy), head + body) if not self.bend.get("owner") else bytes(32)
        data, _ = self.seal(3, b"manifest", self.n_points, self.padded(body + owner), object_id, head=head)
        name = finished[:19].replace("-", "").replace(":", "").replace("T", "t") + "z"
        path = self.put(f"policies/{self.policy_id}/restore-points/{self.n_points:016x}-{name}-{object_id.hex()}", data)
        self.written.append({"sequence": self.n_points, "objectId": b64(object_id), "sha256": b64(hashlib.sha256(data).digest()),
                             "path": path})
        return path

    def point(self, *sources, packs=None, **changes):
        """A whole restore point of (kind, tree) sources: packs, index, manifest."""
        roots = []
        for i, (kind, what) in enumerate(sources):
            source = self.source_id if i == 0 else str(uuid.uuid5(self.policy_id, str(i)))
            if isinstance(what, bytes):
                roots.append((source, kind, what))
            elif isinstance(what, Folder):
                roots.append((source, kind, self.root(what)))
            else:
                roots.append((source, kind, self.root(what, b"output" if kind == "command" else b"single.txt")))
        if self.pending:
            self.pack()
        return self.manifest(roots, [self.index(packs or self.packs)], **changes)
