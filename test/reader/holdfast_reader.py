#!/usr/bin/env python3
"""Stand-alone reader of Holdfast stores, written from docs/format.md alone.

It shares no line with the program that writes them: if that program is lost, this file
and the format page are enough. Every check of the section "What every reader verifies"
is made here; what fails is named in the report, and the rest comes back.
"""
import argparse
import base64
import bisect
import datetime
import hashlib
import hmac
import json
import math
import os
import re
import resource
import struct
import sys
import unicodedata
import uuid
from collections import Counter, OrderedDict, namedtuple

import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESGCMSIV

MIB = 1 << 20
SEGMENT = 131072
PACK, INDEX, MANIFEST, BUNDLE, KEYRING = 1, 2, 3, 4, 6
TYPE_NAMES = {1: "pack", 2: "index", 3: "manifest", 4: "bundle", 5: "ownership", 6: "keyring"}
DATA, TREE, LIST = 1, 2, 3
KIND_NAMES = {DATA: "data", TREE: "tree", LIST: "list"}
FILE, DIR, LINK, FIFO, SOCKET, CHAR, BLOCK, STREAM = range(1, 9)
MAX_DEPTH, MAX_ENTRIES = 4096, 1 << 28
MAX_NUMBER, MAX_JSON = (1 << 53) - 1, 64 * MIB
ZEROS16, ZEROS32 = bytes(16), bytes(32)

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
UUID_RE = re.compile(UUID)
SEQ_NAME = re.compile(r"([0-9a-f]{16})-([0-9a-f]{32})")
BUNDLE_NAME = re.compile(r"([0-9]{8}t[0-9]{6}z)-([0-9a-f]{32})-([0-9a-f]{32})")
POINT_NAME = re.compile(r"([0-9a-f]{16})-([0-9]{8}t[0-9]{6}z)-([0-9a-f]{32})")


class Refused(Exception):
    """Something is damaged, forged or against the format; the message says what."""


class Unusable(Exception):
    """Nothing can be done at all: no store, no key, no such restore point."""


def need(condition, message):
    if not condition:
        raise Refused(message)


# ---------------------------------------------------------------- keys

def hmac256(key, data):
    return hmac.digest(key, data, "sha256")


def sha256(data):
    return hashlib.sha256(data).digest()


def hkdf(ikm, salt, info, length):
    prk, out, block, counter = hmac256(salt, ikm), b"", b"", 1
    while len(out) < length:
        block = hmac256(prk, block + info + bytes([counter]))
        out, counter = out + block, counter + 1
    return out[:length]


def kdf(key, installation, label, context=b"", length=32):
    return hkdf(key, installation, b"holdfast/v1/" + label.encode() + b"\0" + context, length)


def object_key(type_key, salt, header128):
    both = hkdf(type_key, salt, b"holdfast/v1/object\0" + header128, 64)
    return both[:32], both[32:]


PolicyKeys = namedtuple("PolicyKeys", "pack index manifest ids")


def policy_keys(mk, installation, policy, generation):
    if isinstance(mk, MigrationKeys):
        root = mk.root(policy, generation)
    else:
        root = kdf(mk, installation, "policy", policy + struct.pack("<I", generation))
    ids = {kind: kdf(root, installation, "id-" + name) for kind, name in KIND_NAMES.items()}
    return PolicyKeys(*(kdf(root, installation, n) for n in ("pack", "index", "manifest")), ids)


class MigrationKeys:
    """In place of a master key: the keys of one policy and some generations, out of import data."""

    def __init__(self, policy):
        self.policy, self.roots = policy, {}

    def root(self, policy, generation):
        need(policy == self.policy, "the import data is of another policy")
        need(generation in self.roots, f"the import data has no key of keyGeneration {generation}")
        return self.roots[generation]


def read_passphrase(path):
    with open(path, "rb") as f:
        raw = f.read(1 << 16)
    if raw.endswith(b"\n"):  # the file's own line ending is not part of the passphrase
        raw = raw[:-2] if raw.endswith(b"\r\n") else raw[:-1]
    try:
        secret = unicodedata.normalize("NFC", raw.decode("utf-8")).encode("utf-8")
    except UnicodeError:
        raise Unusable("the passphrase is not valid UTF-8")
    if not 1 <= len(secret) <= 1024:
        raise Unusable("the passphrase must have 1 to 1024 bytes")
    return secret


# ---------------------------------------------------------------- strict JSON

def nesting(source):
    """How deep arrays and objects lie in each other; said before anything is parsed by recursion."""
    plain = re.sub(r'"[^"]*"', "", re.sub(r"\\.", "", source, flags=re.S))
    depth = deepest = 0
    for bracket in re.findall(r"[\[\]{}]", plain):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def parse_json(data, what, depth=64):
    def pairs(items):
        out = dict(items)
        need(len(out) == len(items), f"{what}: a member occurs twice")
        need("__proto__" not in out, f"{what}: a member named __proto__")
        return out

    def whole(token):
        need(token != "-0" and len(token) <= 17 and abs(int(token)) <= MAX_NUMBER,
             f"{what}: {token[:40]} is no integer as the format writes it")
        return int(token)

    def fraction(token):
        value = float(token)
        need(math.isfinite(value) and value != int(value), f"{what}: {token[:40]} is no integer as the format writes it, and no fraction")
        return value

    def no_constant(token):
        raise Refused(f"{what}: {token} is not JSON")

    try:
        source = data.decode("utf-8")
        need(nesting(source) <= depth, f"{what}: JSON nested deeper than {depth}")
        value = json.loads(source, object_pairs_hook=pairs, parse_constant=no_constant, parse_int=whole, parse_float=fraction)
        if re.search(r"\\u[dD][89a-fA-F]", source):  # only an escape can make half a pair
            json.dumps(value, ensure_ascii=False).encode("utf-8")
        return value
    except UnicodeEncodeError:
        raise Refused(f"{what}: half a surrogate pair in a JSON string")
    except (ValueError, RecursionError) as e:
        raise Refused(f"{what}: not valid JSON ({e})")


def uint(v, what):
    need(type(v) is int and 0 <= v <= MAX_NUMBER, f"{what}: not an integer as the format writes it")
    return v


def positive(v, what):
    need(uint(v, what) > 0, f"{what}: must be 1 or more")
    return v


def at_least(least, most=MAX_NUMBER):
    def check(v, what):
        need(least <= uint(v, what) <= most, f"{what}: must be {least} to {most}")
        return v
    return check


def text(v, what):
    need(isinstance(v, str), f"{what}: not a string")
    return v


def short_text(v, what):
    need(1 <= len(text(v, what).encode("utf-16-le")) // 2 <= 2048, f"{what}: must have 1 to 2048 characters")
    return v


def bounded_text(most):
    def check(v, what):
        need(1 <= len(text(v, what).encode("utf-16-le")) // 2 <= most, f"{what}: must have 1 to {most} characters")
        return v
    return check


def uuid_text(v, what):
    need(isinstance(v, str) and UUID_RE.fullmatch(v), f"{what}: not a UUID in lower case")
    return v


def moment(v, what):
    try:
        need(re.fullmatch(r"[0-9]{4}(-[0-9]{2}){2}T[0-9]{2}(:[0-9]{2}){2}\.[0-9]{3}Z", v), "")
        # the calendar repeats every 400 years; Python's begins with the year 1
        datetime.datetime.strptime(re.sub("^0000", "2000", v), "%Y-%m-%dT%H:%M:%S.%fZ")
    except (Refused, TypeError, ValueError):
        raise Refused(f"{what}: not a time as the format writes it")
    return v


def binary(length=None, most=None):
    def check(v, what):
        try:
            raw = base64.b64decode(text(v, what), validate=True)
        except ValueError:
            raise Refused(f"{what}: not base64")
        need(base64.b64encode(raw).decode() == v, f"{what}: base64 is not canonical")
        need(length is None or len(raw) == length, f"{what}: must have {length} bytes")
        need(most is None or 1 <= len(raw) <= most, f"{what}: must have 1 to {most} bytes")
        return raw
    return check


def nullable(check):
    return lambda v, what: None if v is None else check(v, what)


def one_of(*values):
    def check(v, what):
        need(type(v) in map(type, values) and v in values, f"{what}: {v!r} is not known")
        return v
    return check


def array(check, most=None):
    def run(v, what):
        need(isinstance(v, list) and (most is None or len(v) <= most), f"{what}: not an array, or too long")
        return [check(item, f"{what}[{i}]") for i, item in enumerate(v)]
    return run


def record(free=(), **fields):
    """An object with exactly these members; those named in `free` may hold anything, or be absent."""
    def run(v, what):
        need(isinstance(v, dict), f"{what}: not an object")
        for name in v:
            need(name in fields or name in free or name.startswith("x-"), f"{what}: unknown member {name!r}")
        for name in fields:
            need(name in v, f"{what}: member {name!r} is missing")
        return {name: check(v[name], f"{what}.{name}") for name, check in fields.items()}
    return run


def policy_heads(v, what):
    need(isinstance(v, dict), f"{what}: not an object")
    return {uuid_text(k, what): HEAD(h, f"{what}.{k}") for k, h in v.items() if not k.startswith("x-")}


KEY_EPOCH = at_least(1, 0xFFFFFFFF)
HEAD = record(sequence=positive, sha256=binary(32))
HEADS = record(policies=policy_heads, keyring=nullable(HEAD), term=nullable(HEAD))
REFERENCES = {
    "passphrase": record(N=uint, r=uint, p=uint, salt=binary(32), commit=binary(32)),
    "awsKms": record(keyArn=short_text, region=short_text),
    "vaultTransit": record(address=short_text, namespace=nullable(short_text), mount=short_text, key=short_text,
                           version=positive),
}


def slot_record(v, what):
    need(isinstance(v, dict), f"{what}: not an object")
    kind = text(v.get("kind"), f"{what}.kind")
    if kind not in REFERENCES:
        return None  # a kind of a later version: skipped
    slot = record(slotId=uuid_text, kind=text, keyEpoch=KEY_EPOCH, masterKeyId=binary(16),
                  reference=REFERENCES[kind], createdAt=moment,
                  wrapped=binary(57) if kind == "passphrase" else binary(most=6144))(v, what)
    if kind == "passphrase":
        r = slot["reference"]
        need(r["N"] in (1 << 17, 1 << 18, 1 << 19, 1 << 20) and r["r"] == 8 and 1 <= r["p"] <= 4,
             f"{what}: scrypt parameters outside the accepted range")
    return slot


KEYRING_BODY = record(keyEpoch=KEY_EPOCH, createdAt=moment, heads=HEADS, slots=array(slot_record, 32))


def live_record(v, what):
    if isinstance(v, dict):
        return record(id=binary(32), count=at_least(257))(v, what)
    return array(record(sequence=positive, objectId=binary(16), versionId=nullable(text), sha256=binary(32)), 256)(v, what)


SOURCE = record(id=uuid_text, kind=one_of("folder", "command"), label=text, nameEncoding=one_of("bytes", "wtf-8"),
                separator=one_of("/", "\\"), root=binary(32))


def source_record(v, what):
    source = SOURCE(v, what)
    need(source["kind"] == "folder" or source["separator"] == "/", f"{what}: the separator of a command is /")
    return source


BUNDLE_JSON = record(
    formatVersion=one_of(1), created=moment, machineId=uuid_text, keyring=binary(most=65536), heads=HEADS, base=nullable(binary(16)),
    restorePoints=uint, audit=nullable(HEAD), catalogSha256=binary(32), catalogLength=at_least(1, 1 << 34))

DR_N, DR_R, DR_P, MAX_SLOT = 1 << 18, 8, 1, 4096
DR_SLOT = record(slotId=uuid_text, kind=one_of("drPassphrase"), drkId=binary(16), createdAt=moment, wrapped=binary(53),
                 reference=record(N=one_of(DR_N), r=one_of(DR_R), p=one_of(DR_P), salt=binary(32), commit=binary(32)))

MANIFEST_JSON = record(
    free=("policy", "statistics", "warnings"),
    formatVersion=one_of(1), writer=text, policyId=uuid_text, sequence=positive, previous=nullable(binary(32)),
    claimed=record(started=nullable(moment), finished=moment, storeTime=nullable(moment)), keyGeneration=positive,
    sources=array(source_record),
    indexes=array(record(key=text, versionId=nullable(text), length=positive, sha256=binary(32),
                         objectId=binary(16), salt=binary(32)), 256),
    live=live_record, heads=HEADS,
    params=record(chunker=text, min=uint, avg=uint, max=uint, codec=text, padding=text))


# ---------------------------------------------------------------- the container

HEADER = struct.Struct("<8sHHHHII16s16s16s16sQ16s16s")
Header = namedtuple("Header", "magic version suite type length features generation installation "
                              "master scope object sequence store bundle")


def parse_header(data, kind, installation, scope, sequence, object_id, store=None):
    """Everything that can be said about a header before a key is asked; what is None is not compared."""
    what = TYPE_NAMES[kind]
    need(len(data) >= 128, f"{what}: too short for a header")
    h = Header(*HEADER.unpack_from(data))
    need(h.magic == b"HOLDFAST", f"{what}: no Holdfast object (magic)")
    need(h.version == 1, f"{what}: written in format version {h.version}, which this reader does not know")
    need(h.suite == 1, f"{what}: uses cipher suite {h.suite}, which this reader does not know")
    need(h.features == 0, f"{what}: needs features {h.features:#x}, which this reader does not know")
    need(h.type == kind, f"{what}: the header says {TYPE_NAMES.get(h.type, h.type)}")
    need(h.length == (128 if kind == KEYRING else 192), f"{what}: wrong header length")
    need((h.generation >= 1) if kind in (PACK, INDEX, MANIFEST) else h.generation == 0, f"{what}: wrong keyGeneration")
    need(h.installation == installation, f"{what}: belongs to another installation")
    need(scope is None or h.scope == scope, f"{what}: belongs to another policy")
    need(object_id is None or h.object == object_id, f"{what}: objectId differs from its name or record")
    need(sequence is None or h.sequence == sequence, f"{what}: sequence differs from its name or record")
    need(kind == PACK or 1 <= h.sequence <= MAX_NUMBER, f"{what}: sequence {h.sequence} is out of range")
    need(store is None or h.store == store, f"{what}: storeId differs from the manifest's")
    need(kind == BUNDLE or h.bundle == ZEROS16, f"{what}: reserved header bytes are not zero")
    return h


def body_segments(length, what="object"):
    """The number of segments of a body of `length` bytes, by the rule for the last one."""
    count = -(-length // (SEGMENT + 16))
    last = length - (count - 1) * (SEGMENT + 16)
    need(count >= 1 and (last > 16 or (count == 1 and last == 16)), f"{what}: impossible length")
    need(count <= 1 << 20, f"{what}: too many segments")
    return count


def open_segment(cipher, i, count, data, what):
    nonce = bytes(7) + struct.pack(">I", i) + (b"\1" if i == count - 1 else b"\0")
    try:
        return cipher.decrypt(nonce, data, None)
    except InvalidTag:
        raise Refused(f"{what}: segment {i} of {count} is not authentic")


def open_object(data, type_key, what, body=192):
    """The whole plaintext of an object whose header has been looked at; `body`: where its segments begin."""
    need(len(data) >= body + 16, f"{what}: too short")
    key, commitment = object_key(type_key, data[128:160], data[:128])
    need(hmac.compare_digest(commitment, data[160:192]), f"{what}: the header is not authentic (commitment)")
    count, cipher, view = body_segments(len(data) - body, what), AESGCM(key), memoryview(data)[body:]
    step = SEGMENT + 16
    return b"".join(open_segment(cipher, i, count, view[i * step:(i + 1) * step], what) for i in range(count))


def unpad(plain, what):
    need(len(plain) >= 8, f"{what}: no content length")
    length = int.from_bytes(plain[:8], "little")
    need(length <= len(plain) - 8, f"{what}: content length beyond the object")
    need(plain.count(0, 8 + length) == len(plain) - 8 - length, f"{what}: padding is not zero")
    return plain[8:8 + length]


def read_object(path, kind, cap=4 << 30):
    what = TYPE_NAMES[kind]
    try:
        size = os.stat(path).st_size
        need(os.path.isfile(path), f"{what}: not a file")
        need(size <= cap, f"{what}: {size} bytes are more than the format allows")
        with open(path, "rb") as f:
            data = f.read(cap + 1 if kind == KEYRING else size)
    except FileNotFoundError:
        raise Refused(f"{what}: missing")
    except OSError as e:
        raise Refused(f"{what}: cannot be read ({e.strerror})")
    need(len(data) <= cap, f"{what}: too long")
    return data


def names_in(folder):
    try:
        return sorted(n for n in os.listdir(folder) if not n.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return []


# ---------------------------------------------------------------- installation and keyrings

class Keyring:
    def __init__(self, name, data, installation):
        m = SEQ_NAME.fullmatch(name)
        need(m, "keyring: a name outside the grammar")
        self.name, self.data, self.sequence = name, data, int(m[1], 16)
        self.header = parse_header(data, KEYRING, installation, None, self.sequence, bytes.fromhex(m[2]))
        need(len(data) >= 132, "keyring: too short")
        length = int.from_bytes(data[128:132], "little")
        need(len(data) == 132 + length + 64, "keyring: its length is not that of its parts")
        self.body = KEYRING_BODY(parse_json(data[132:132 + length], "keyring", 8), "keyring")
        self.mk_mac, self.dr_mac = data[-64:-32], data[-32:]
        need(self.header.scope != ZEROS16 or self.dr_mac == ZEROS32, "keyring: a DR code without a DR key")
        self.slots = [s for s in self.body["slots"] if s and s["kind"] == "passphrase"]


def scrypt_set(slot):
    r = slot["reference"]
    return r["N"], r["r"], r["p"], r["salt"]


class Bundle:
    """A copy of the catalog, opened by the DR key. The ownerTag waits for the master key."""
    def __init__(self, recovery, name, data):
        self.name, self.data, m = name, data, BUNDLE_NAME.fullmatch(name)
        self.object_id = bytes.fromhex(m[2]) if m else None
        self.header = parse_header(data, BUNDLE, recovery.id, recovery.drk_id, None, self.object_id if recovery.named(name) else None)
        self.object_id = self.header.object
        _, body = dr_section(data)
        content = unpad(open_object(data, kdf(recovery.drk, recovery.id, "bundle"), "bundle", body), "bundle")
        need(len(content) >= 44, "bundle: too short")
        length = int.from_bytes(content[:4], "little")
        need(length <= 4 * MIB, "bundle: its JSON is longer than 4 MiB")
        need(44 + length <= len(content), "bundle: its JSON is longer than its content")
        self.owned, self.tag = content[:4 + length], content[4 + length:36 + length]
        self.frame = content[44 + length:]
        need(int.from_bytes(content[36 + length:44 + length], "little") == len(self.frame), "bundle: zLen is not that of the catalog")
        j = self.json = BUNDLE_JSON(parse_json(content[4:4 + length], "bundle"), "bundle")
        if recovery.named(name):
            cut = j["created"][:19].replace("-", "").replace(":", "").replace("T", "t") + "z"
            need(cut == m[1], "bundle: the time in its name is not that inside")
        need(sha256(self.frame) == j["catalogSha256"], "bundle: another catalog than its catalogSha256")
        need(j["catalogLength"] <= 100 * len(self.frame) + 4 * MIB, "bundle: its catalog would be too large for its frame")

    def is_owned(self, mk, installation):
        owner = hmac256(kdf(mk, installation, "owner", ZEROS16), self.data[:128] + self.owned)
        return hmac.compare_digest(owner, self.tag)

    def catalog(self):
        return decode_frame(self.frame, self.json["catalogLength"], "bundle")


def dr_section(data):
    """The DR slot of a bundle, and where its body begins. Nothing of it is proved."""
    need(len(data) >= 196, "bundle: too short for its DR slot")
    length = int.from_bytes(data[192:196], "little")
    need(1 <= length <= MAX_SLOT and 196 + length <= len(data), "bundle: a DR slot of an impossible length")
    section = data[192:196 + length]
    need(sha256(section)[:16] == data[112:128], "bundle: the header names another DR slot")
    return section[4:], 196 + length


class Recovery:
    """The bundles of one installation, by the DR passphrase: one scrypt in all."""
    def __init__(self, store, name, secret):
        self.name, self.id, self.folder = name, uuid.UUID(name).bytes, os.path.join(store, name, "recovery")
        self.drk = self.drk_id = None
        self.bundles, self.problems, self.notes = [], [], Counter()
        self.salt = sha256(b"holdfast/dr/v1" + self.id)
        out = hashlib.scrypt(secret, salt=self.salt, n=DR_N, r=DR_R, p=DR_P, dklen=96, maxmem=128 * DR_R * (DR_N + DR_P + 2) + MIB)
        self.kek, self.commit, self.name_key = out[:32], out[32:64], out[64:]
        names = names_in(self.folder)
        ours = [n for n in names if self.named(n)]
        for n in sorted(ours, reverse=True):
            self.find_key(n)
        if self.drk is None:
            return
        others = [n for n in names if n not in set(ours)]
        if len(others) > 1000:
            self.notes[f"{len(others)} objects in recovery/ whose names are not by this DR passphrase: not looked at"] += 1
            others = []
        for n in ours + [n for n in others if self.is_older(n)]:
            self.open(n)
        self.bundles.sort(key=lambda b: (b.json["created"], b.header.sequence, b.name))

    def named(self, name):
        m = BUNDLE_NAME.fullmatch(name)
        return bool(m) and hmac.compare_digest(hmac256(self.name_key, (m[1] + m[2]).encode())[:16].hex(), m[3])

    def front(self, name, length):
        with open(os.path.join(self.folder, name), "rb") as f:
            return f.read(length)

    def find_key(self, name):
        """The DRK from the slot of a bundle, whose header nothing proves yet."""
        try:
            slot, _ = dr_section(self.front(name, 196 + MAX_SLOT))
            slot = DR_SLOT(parse_json(slot, "DR slot", 8), "DR slot")
            r = slot["reference"]
            need(r["salt"] == self.salt, "DR slot: the salt of another installation")
            lines = ["holdfast/slot/v1", self.name, slot["drkId"].hex(), slot["slotId"], slot["kind"], str(DR_N), str(DR_R), str(DR_P),
                     self.salt.hex()]
            need(hmac.compare_digest(r["commit"], self.commit), "DR slot: it does not open")
            plain = AESGCMSIV(self.kek).decrypt(bytes(12), slot["wrapped"], "".join(line + "\n" for line in lines).encode("ascii"))
            need(plain[:5] == b"dr/v1" and len(plain) == 37 and kdf(plain[5:], self.id, "drk-id", b"", 16) == slot["drkId"],
                 "DR slot: it does not open")
            if self.drk is None:
                self.drk, self.drk_id = plain[5:], slot["drkId"]
        except (Refused, InvalidTag, OSError) as e:
            self.problems.append({"where": f"recovery/{name}", "what": str(e) or "DR slot: it does not open"})

    def is_older(self, name):
        """Whether an object of another name has the header of a bundle of this DR key: it is from before the DR passphrase changed."""
        try:
            head = self.front(name, 192)
            parse_header(head, BUNDLE, self.id, self.drk_id, None, None)
            return len(head) == 192 and hmac.compare_digest(
                object_key(kdf(self.drk, self.id, "bundle"), head[128:160], head[:128])[1], head[160:])
        except (Refused, OSError):
            return False

    def open(self, name):
        try:
            self.bundles.append(Bundle(self, name, read_object(os.path.join(self.folder, name), BUNDLE)))
        except Refused as e:
            item = {"where": f"recovery/{name}", "what": str(e)}
            if item not in self.problems:
                self.problems.append(item)

    def keyring(self, bundle):
        """The keyring that lies in a bundle; a finding where it does not count."""
        data = bundle.json["keyring"]
        try:
            need(len(data) >= 128, "keyring: too short for a header")
            keyring = Keyring(f"{int.from_bytes(data[88:96], 'little'):016x}-{data[72:88].hex()}", data, self.id)
            need(self.counts(keyring), "keyring: its drMac does not hold")
            return keyring
        except Refused as e:
            self.problems.append({"where": f"recovery/{bundle.name}", "what": f"in the bundle, {e}"})
            return None

    def counts(self, keyring):
        return keyring.header.scope == self.drk_id and hmac.compare_digest(
            keyring.dr_mac, hmac256(kdf(self.drk, self.id, "keyring-mac"), b"\2" + keyring.data[:-64]))


class Installation:
    def __init__(self, store, name, secret, recovery=None):
        self.recovery = recovery
        self.name, self.id, self.folder = name, uuid.UUID(name).bytes, os.path.join(store, name)
        self.secret, self.computed, self.fruitless, self.ended = secret, set(), 0, False
        self.masters, self.epochs = {}, {}  # masterKeyId -> key, keyEpoch -> [masterKeyId]
        self.opened = {}  # policy -> its authentic restore points, and what was refused
        self.problems, self.notes, self.gone = [], Counter(), set()
        self.keyrings = []
        for n in names_in(os.path.join(self.folder, "keyring")):
            try:
                data = read_object(os.path.join(self.folder, "keyring", n), KEYRING, 65536)
                self.keyrings.append(Keyring(n, data, self.id))
            except Refused as e:
                self.problems.append({"where": f"keyring/{n}", "what": str(e)})
        if recovery:
            self.keep_recovery_keyrings()
        self.keyrings.sort(key=lambda k: (k.sequence, k.name), reverse=True)

    def keep_recovery_keyrings(self):
        """With the DR key, keyrings of bundles count too, and none that it did not authenticate."""
        for keyring in filter(None, map(self.recovery.keyring, self.recovery.bundles)):
            if all(k.data != keyring.data for k in self.keyrings):
                self.keyrings.append(keyring)
        others = [k for k in self.keyrings if not self.recovery.counts(k)]
        self.keyrings = [k for k in self.keyrings if self.recovery.counts(k)]
        for k in others:
            if k.header.scope == self.recovery.drk_id:
                self.problems.append({"where": f"keyring/{k.name}", "what": "keyring: its drMac does not hold; it is not used"})
            else:
                self.notes["keyrings that were not written under the DR key: not used"] += 1

    def try_set(self, params):
        """One scrypt; then every slot of every keyring with the same parameters."""
        if self.fruitless and self.fruitless % 8 == 0 and not self.ended:
            print(f"{self.fruitless} passphrase slots tried without success", file=sys.stderr)
            if sys.stdin.isatty():
                print("go on? [y/n] ", end="", file=sys.stderr, flush=True)
                self.ended = sys.stdin.readline().strip().lower() != "y"
        need(not self.ended, "no further passphrase slots are tried")
        n, r, p, salt = params
        self.computed.add(params)
        held = len(self.masters)
        try:
            out = hashlib.scrypt(self.secret, salt=salt, n=n, r=r, p=p, dklen=64, maxmem=128 * r * (n + p + 2) + MIB)
        except (MemoryError, ValueError) as e:
            self.problems.append({"where": self.name, "what": f"a passphrase slot cannot be tried here ({e})"})
            return
        for keyring in self.keyrings:
            for slot in keyring.slots:
                if scrypt_set(slot) == params and hmac.compare_digest(slot["reference"]["commit"], out[32:]):
                    self.unwrap(slot, out[:32])
        self.fruitless = 0 if len(self.masters) > held else self.fruitless + 1

    def unwrap(self, slot, kek):
        n, r, p, salt = scrypt_set(slot)
        lines = ["holdfast/slot/v1", self.name, slot["masterKeyId"].hex(), slot["slotId"], slot["kind"],
                 str(n), str(r), str(p), salt.hex()]
        context = "".join(line + "\n" for line in lines).encode("ascii")
        try:
            plain = AESGCMSIV(kek).decrypt(bytes(12), slot["wrapped"], context)
        except InvalidTag:
            return
        epoch, mk = int.from_bytes(plain[5:9], "little"), plain[9:]
        if plain[:5] == b"mk/v1" and epoch == slot["keyEpoch"] and \
                kdf(mk, self.id, "master-key-id", b"", 16) == slot["masterKeyId"]:
            self.masters[slot["masterKeyId"]] = mk
            if slot["masterKeyId"] not in self.epochs.setdefault(epoch, []):
                self.epochs[epoch].append(slot["masterKeyId"])

    def unlock(self):
        """One untried scrypt set from each keyring in turn, newest first, until a slot opens."""
        progress = True
        while progress and not self.masters:
            progress = False
            for keyring in self.keyrings:
                untried = [s for s in keyring.slots if scrypt_set(s) not in self.computed]
                if untried and not self.masters:
                    try:
                        self.try_set(scrypt_set(untried[0]))
                    except Refused:
                        return False
                    progress = True
        return bool(self.masters)

    def master(self, key_id):
        """The master key that an object names; slots not tried so far are tried for it."""
        for keyring in self.keyrings:
            for slot in keyring.slots:
                if key_id not in self.masters and slot["masterKeyId"] == key_id and scrypt_set(slot) not in self.computed:
                    self.try_set(scrypt_set(slot))
        need(key_id in self.masters, f"no slot of the passphrase opens the master key {key_id.hex()}")
        return self.masters[key_id]

    def masters_of_epoch(self, epoch, likely):
        """The ids of all master keys of a keyEpoch that are held, the likely one first."""
        named = list(dict.fromkeys(s["masterKeyId"] for k in self.keyrings for s in k.slots if s["keyEpoch"] == epoch))
        for i in named if epoch not in self.epochs else [likely] if likely in named else []:
            try:
                self.master(i)
            except Refused:
                pass
        need(epoch in self.epochs, f"no slot of the passphrase opens a master key of keyEpoch {epoch}")
        return sorted(self.epochs[epoch], key=lambda i: i != likely)

    def check_keyrings(self):
        """The codes of all keyrings, with every key held by now; only authentic ones are asked for their heads."""
        for k in self.keyrings:
            where = f"keyring/{k.name}"
            if not self.epochs.get(k.body["keyEpoch"]):
                self.notes[f"{where}: not checked, no master key of its keyEpoch is held"] += 1
            elif not self.is_authentic(k):
                self.problems.append({"where": where, "what": "keyring: forged or damaged (mkMac); it is not used"})
            else:
                if k.header.scope != ZEROS16 and not self.recovery:
                    self.notes["drMac of keyrings not checked: the DR key is not held"] += 1
                problems, gone = self.check_heads(k.body["heads"], where)
                self.problems += problems
                self.gone |= gone
        # One note for each object that is gone, however many keyrings name it.
        self.notes.update(f"{what}: named by a keyring, not found; newer ones are (retired?)" for what in self.gone)

    def is_authentic(self, keyring):
        master = keyring.header.master
        return master in self.epochs.get(keyring.body["keyEpoch"], []) and hmac.compare_digest(
            keyring.mk_mac, hmac256(kdf(self.masters[master], self.id, "keyring-mac"), b"\1" + keyring.data[:-64]))

    def check_heads(self, heads, where):
        """The newest objects that an authentic one names; only authentic ones count as found, or as newer."""
        problems, gone = [], set()
        named = [(f"policies/{p}/restore-points", [(q.sequence, q.sha256) for q in self.points(p)[0]], h)
                 for p, h in heads["policies"].items()]
        # A head of a term is held against nothing: terms belong to section 9, and none is opened here.
        named += [("keyring", [(k.sequence, sha256(k.data)) for k in self.keyrings if self.is_authentic(k)], heads["keyring"])]
        for folder, known, head in named:
            if head is None or (head["sequence"], head["sha256"]) in known:
                continue
            what = f"head {folder} {head['sequence']}"
            if any(sequence == head["sequence"] for sequence, _ in known):
                problems.append({"where": where, "what": f"{what}: found with another SHA-256"})
            elif all(sequence < head["sequence"] for sequence, _ in known):
                problems.append({"where": where, "what": f"{what}: not found, and nothing newer either"})
            else:
                gone.add(what)
        return problems, gone

    def points(self, policy):
        """The authentic restore points of a policy by ascending sequence, and what was refused."""
        if policy in self.opened:
            return self.opened[policy]
        folder, found, problems = os.path.join(self.folder, "policies", policy, "restore-points"), [], []
        for n in names_in(folder):
            try:
                found.append(Point(self, policy, n, os.path.join(folder, n)))
            except Refused as e:
                problems.append({"where": f"policies/{policy}/restore-points/{n}", "what": str(e)})
        found.sort(key=lambda p: (p.sequence, p.name))
        for a, b in zip(found, found[1:]):
            if a.sequence == b.sequence:
                problems.append({"where": policy, "what": f"fork: two authentic restore points of sequence {a.sequence}, "
                                                          f"{a.object_id.hex()} and {b.object_id.hex()}"})
        self.opened[policy] = found, problems
        return found, problems


# ---------------------------------------------------------------- import data

IMPORT_FIRST, IMPORT_LAST = b"-----BEGIN HOLDFAST IMPORT DATA-----", b"-----END HOLDFAST IMPORT DATA-----"
import_text = bounded_text(4096)
IMPORT_PLACES = {
    "filesystem": record(kind=one_of("filesystem"), path=import_text),
    "s3": record(kind=one_of("s3"), bucket=import_text, region=import_text, endpoint=nullable(import_text),
                 prefix=nullable(import_text), pathStyle=one_of(True, False, None)),
}


def import_place(v, what):
    need(isinstance(v, dict) and v.get("kind") in ("filesystem", "s3"), f"{what}: a kind that is unknown")
    return IMPORT_PLACES[v["kind"]](v, what)


IMPORT_JSON = record(installationId=uuid_text, policyId=uuid_text, policy=bounded_text(256), storeId=uuid_text,
                     location=import_place, madeAt=moment, expiresAt=nullable(moment))


class Imported(Installation):
    """One policy of an installation, opened by import data: no keyring, no other policy, no ownerTag."""

    def __init__(self, store, path):
        with open(path, "rb") as f:
            bare = bytes(b for b in f.read(1 << 16) if b not in b"\t\n\v\f\r ")
        first, last = IMPORT_FIRST.replace(b" ", b""), IMPORT_LAST.replace(b" ", b"")
        need(bare.startswith(first) and bare.endswith(last) and len(bare) >= len(first) + len(last), "import data: cut, or something else")
        inner = bare[len(first):-len(last)]
        try:
            payload = base64.b64decode(inner, validate=True)
        except ValueError:
            raise Refused("import data: altered") from None
        need(base64.b64encode(payload) == inner and len(payload) >= 44, "import data: altered")
        need(sha256(b"holdfast/import-data" + payload[:-32]) == payload[-32:], "import data: altered: its checksum does not fit")
        magic, version, length = struct.unpack_from("<4sII", payload)
        need(magic == b"HFID", "import data: another magic")
        need(version == 1, f"import data: of version {version}")
        rows = payload[12 + length:-32]
        need(length <= 32768 and 56 <= len(rows) <= 256 * 56 and len(rows) % 56 == 0, "import data: its lengths do not agree")
        j = IMPORT_JSON(parse_json(payload[12:12 + length], "import data", 4), "import data")
        if j["expiresAt"] and j["expiresAt"] < datetime.datetime.now(datetime.timezone.utc).isoformat():
            print(f"the import data expired at {j['expiresAt']}", file=sys.stderr)
        self.policy, name = j["policyId"], j["installationId"]
        self.name, self.id, self.folder = name, uuid.UUID(name).bytes, os.path.join(store, name)
        self.recovery, self.keyrings, self.opened = None, [], {}
        self.problems, self.notes, self.gone = [], Counter(), set()
        self.masters, self.epochs = {}, {}
        for at in range(0, len(rows), 56):
            master, epoch, generation, key = struct.unpack_from("<16sII32s", rows, at)
            need(epoch > 0 and generation > 0, "import data: a key without epoch or generation")
            keys = self.masters.setdefault(master, MigrationKeys(uuid.UUID(self.policy).bytes))
            need(generation not in keys.roots, "import data: two keys of one generation")
            keys.roots[generation] = key
            if master not in self.epochs.setdefault(epoch, []):
                self.epochs[epoch].append(master)
        self.notes["ownerTags not checked: only a migration key is held"] += 1

    def master(self, key_id):
        need(key_id in self.masters, f"the import data has no key under the master key {key_id.hex()}")
        return self.masters[key_id]

    def check_heads(self, heads, where):
        """Only its own policy can be looked at."""
        own = {p: h for p, h in heads["policies"].items() if p == self.policy}
        return super().check_heads({"policies": own, "keyring": None, "term": None}, where)


# ---------------------------------------------------------------- restore points and indexes

class Point:
    def __init__(self, installation, policy, name, path):
        self.inst, self.policy, self.name = installation, uuid.UUID(policy).bytes, name
        self.policy_name = policy
        m = POINT_NAME.fullmatch(name)
        need(m, "manifest: a name outside the grammar")
        self.sequence, self.object_id = int(m[1], 16), bytes.fromhex(m[3])
        data = read_object(path, MANIFEST)
        self.sha256 = sha256(data)
        h = self.header = parse_header(data, MANIFEST, installation.id, self.policy, self.sequence, self.object_id)
        mk = installation.master(h.master)
        content = unpad(open_object(data, policy_keys(mk, installation.id, self.policy, h.generation).manifest,
                                    "manifest"), "manifest")
        need(len(content) >= 36, "manifest: too short")
        length = int.from_bytes(content[:4], "little")
        need(len(content) == 4 + length + 32, "manifest: its length is not that of its parts")
        need(length <= MAX_JSON, "manifest: its JSON is longer than 64 MiB")
        if not isinstance(mk, MigrationKeys):
            owner = hmac256(kdf(mk, installation.id, "owner", self.policy), data[:128] + content[:4 + length])
            need(hmac.compare_digest(owner, content[-32:]), "manifest: the ownerTag does not hold: not written by the owner")
        j = self.json = MANIFEST_JSON(parse_json(content[4:-32], "manifest"), "manifest")
        need(j["policyId"] == policy, "manifest: another policyId inside")
        need(j["sequence"] == self.sequence, "manifest: another sequence inside")
        need(j["keyGeneration"] == h.generation, "manifest: another keyGeneration inside")
        cut = j["claimed"]["finished"][:19].replace("-", "").replace(":", "").replace("T", "t") + "z"
        need(cut == m[2], "manifest: the time in its name is not that inside")
        ids = [s["id"] for s in j["sources"]]
        need(len(set(ids)) == len(ids), "manifest: two sources with one id")
        self.problems, self.notes, self.indexes, self.seen = [], Counter(), None, 0
        self.blocks, self.block_bytes, self.pack_keys = OrderedDict(), 0, {}

    def problem(self, where, what):
        item = {"where": where, "what": str(what)}
        if item not in self.problems[-64:]:
            self.problems.append(item)

    def load(self):
        """Opens the pinned indexes; a damaged one is named and the others are used."""
        if self.indexes is not None:
            return self
        self.indexes = []
        for pin in self.json["indexes"]:
            try:
                self.indexes.append(Index(self, pin))
            except Refused as e:
                self.problem(pin["key"], e)
        return self

    def check_chain(self, others):
        """`previous`, heads, and the list of live restore points."""
        j, where = self.json, f"restore point {self.sequence}"
        before = [p for p in others if p.sequence == self.sequence - 1]
        if self.sequence == 1:
            if j["previous"] is not None:
                self.problem(where, "manifest: `previous` in the first restore point")
        elif j["previous"] is None:
            self.problem(where, "manifest: `previous` is null")
        elif before and all(p.sha256 != j["previous"] for p in before):
            self.problem(where, "manifest: `previous` is not the restore point of the sequence before")
        problems, gone = self.inst.check_heads(j["heads"], where)
        self.problems += problems
        self.notes.update(f"{what}: named by {where}, not found; newer ones are (retired?)" for what in gone)
        try:
            live = j["live"] if isinstance(j["live"], list) else self.live_chunk(j["live"])
        except Refused as e:
            return self.problem(where, f"list of live restore points: {e}")
        by_id = {(p.sequence, p.object_id): p.sha256 for p in others}
        if (self.sequence, self.object_id) in {(v["sequence"], v["objectId"]) for v in live}:
            self.problem(where, "list of live restore points: holds the restore point itself")
        for v in live:
            found = by_id.get((v["sequence"], v["objectId"]))
            if found is None:  # collected since, or at another location of the policy
                self.notes["restore points listed as live then, not here now"] += 1
            elif found != v["sha256"]:
                self.problem(where, f"restore point {v['sequence']} is not the one listed as live (SHA-256)")

    def live_chunk(self, ref):
        data = self.load().chunk(ref["id"], LIST)
        need(len(data) <= 8 * MIB and data[:4] == b"HFV1" and len(data) >= 8, "not a list of restore points")
        need(int.from_bytes(data[4:8], "little") == ref["count"], "another count")
        live, at = [], 8
        for _ in range(ref["count"]):
            need(at + 58 <= len(data), "cut short")
            seq, oid, digest, n = struct.unpack_from("<Q16s32sH", data, at)
            need(at + 58 + n <= len(data), "cut short")
            need(not live or (live[-1]["sequence"], live[-1]["objectId"]) < (seq, oid), "not ascending")
            need(1 <= seq <= MAX_NUMBER, "a sequence out of range")
            try:
                data[at + 58:at + 58 + n].decode("utf-8")
            except UnicodeDecodeError:
                raise Refused("a version id is not UTF-8")
            live.append({"sequence": seq, "objectId": oid, "sha256": digest})
            at += 58 + n
        need(at == len(data), "bytes after its end")
        return live

    # ---- chunks

    def pack_path(self, object_id):
        h = object_id.hex()
        return os.path.join(self.inst.folder, "policies", self.policy_name, "packs", h[:2], h)

    def pack_key(self, row, master):
        """(cipher, id keys, header, as it should be) of a pack, under one master key."""
        header = HEADER.pack(b"HOLDFAST", 1, 1, PACK, 192, 0, row.generation, self.inst.id, master,
                             self.policy, row.object_id, 0, self.header.store, ZEROS16)
        keys = policy_keys(self.inst.master(master), self.inst.id, self.policy, row.generation)
        key, commitment = object_key(keys.pack, row.salt, header)
        return AESGCM(key), keys.ids, header + row.salt + commitment

    def block(self, row, b):
        """(bytes, id keys) of a block, by reading the segments that it touches. The pack's header is rebuilt from
        the index row; the file's own is only compared. Of several master keys of the keyEpoch the tags choose."""
        offset, stored, raw, codec = b[1:5]
        key = (row, offset, stored, raw, codec)
        if key in self.blocks:
            self.blocks.move_to_end(key)
            return self.blocks[key], self.pack_keys[row][1]
        count = body_segments(row.length - 192, "pack")
        step, first, last = SEGMENT + 16, offset // SEGMENT, (offset + stored - 1) // SEGMENT
        with open(self.pack_path(row.object_id), "rb") as f:
            need(os.fstat(f.fileno()).st_size == row.length, "pack: its length is not the recorded one")
            head = f.read(192)
            f.seek(192 + first * step)
            sealed = [(i, f.read(step)) for i in range(first, last + 1)]
        known = self.pack_keys.get(row)
        masters = [None] if known else self.inst.masters_of_epoch(row.epoch, head[40:56])
        for master in masters:
            opened = known or self.pack_key(row, master)
            try:
                plain = b"".join(open_segment(opened[0], i, count, data, "pack") for i, data in sealed)
                break
            except Refused:
                if master == masters[-1]:
                    raise
        if not known and head != opened[2]:
            self.problem(f"pack {row.object_id.hex()}", "pack: header damaged; read by the index's record instead")
        self.pack_keys[row] = opened
        start = offset - first * SEGMENT
        self.blocks[key] = decode_block(plain[start:start + stored], raw, codec)
        self.block_bytes += raw
        while self.block_bytes > 64 * MIB and len(self.blocks) > 1:
            self.block_bytes -= len(self.blocks.popitem(last=False)[1])
        return self.blocks[key], opened[1]

    def chunk(self, chunk_id, kind):
        """The bytes of a chunk from any index that holds it, its id checked."""
        why = set()
        for index in self.indexes:
            at = index.find(chunk_id)
            if at is None:
                continue
            block_no, offset, length = index.locator(at)
            b = index.block(block_no)
            row = index.packs[b[0]]
            try:
                need(b[5] == kind, f"chunk: is of kind {KIND_NAMES.get(b[5], b[5])}, not {KIND_NAMES[kind]}")
                block, ids = self.block(row, b)
                data = block[offset:offset + length]
                need(hmac.compare_digest(hmac256(ids[kind], data), chunk_id), "chunk: the bytes have another id")
                for reason in sorted(why):
                    self.notes[f"read from another place: {reason}"] += 1
                return data
            except Refused as e:
                why.add(f"{e} (pack {row.object_id.hex()})")
            except OSError as e:
                why.add(f"pack: {e.strerror} (pack {row.object_id.hex()})")
        raise Refused(f"{KIND_NAMES[kind]} chunk {chunk_id.hex()[:16]}…: " + ("; ".join(sorted(why)) or "in no pinned index"))


def decode_block(data, raw, codec):
    """The bytes of a block; what its row may hold was checked with the index or the directory."""
    if codec == 0:
        need(len(data) == raw, "block: storedLen differs from rawLen")
        return data
    return decode_frame(data, raw, "block")


def decode_frame(data, raw, what):
    """Exactly one zstd frame of exactly `raw` bytes."""
    need(data[:4] == b"\x28\xb5\x2f\xfd" and len(data) >= 6, f"{what}: not a zstd frame")
    flags, single = data[4], data[4] >> 5 & 1
    need(flags & 3 == 0, f"{what}: a zstd dictionary id")
    need(flags & 8 == 0, f"{what}: the reserved bit of a zstd frame")
    width = (single, 2, 4, 8)[flags >> 6]
    size = int.from_bytes(data[6 - single:6 - single + width], "little") + (256 if width == 2 else 0)
    need(not width or size == raw, f"{what}: the zstd content size is not the rawLen")
    base = 1 << 10 + (data[5] >> 3)
    need((size if single else base + base // 8 * (data[5] & 7)) <= 8 * MIB, f"{what}: zstd window above 8 MiB")
    try:
        d, out, size = zstandard.ZstdDecompressor(max_window_size=8 * MIB).decompressobj(), [], 0
        for at in range(0, len(data), 1024):  # in small steps: a bomb is seen before it fills the memory
            need(not d.eof, f"{what}: bytes after the zstd frame")
            out.append(d.decompress(data[at:at + 1024]))
            size += len(out[-1])
            need(size <= raw, f"{what}: longer than its rawLen")
    except zstandard.ZstdError as e:
        raise Refused(f"{what}: zstd: {e}")
    need(d.eof and not d.unused_data, f"{what}: not exactly one zstd frame")
    need(size == raw, f"{what}: shorter than its rawLen")
    return b"".join(out)


PackRow = namedtuple("PackRow", "object_id salt generation epoch length sha256 version")
PACK_ROW, BLOCK_ROW, LOCATOR = struct.Struct("<16s32sIIQ32sII"), struct.Struct("<IIIIBBH"), struct.Struct("<III")


def good_block(stored, raw, codec, kind):
    return stored >= 1 and 1 <= raw <= 8 * MIB and codec in (0, 1) and kind in KIND_NAMES and (codec == 1 or stored == raw)


class Index:
    def __init__(self, point, pin):
        inst, key = point.inst, pin["key"]
        m = re.fullmatch(f"({UUID})/policies/({UUID})/indexes/([0-9a-f]{{16}})-([0-9a-f]{{32}})", key)
        need(m, "index: a key outside the grammar")
        need(m[1] == inst.name and m[2] == point.policy_name, "index: of another installation or policy")
        need(bytes.fromhex(m[4]) == pin["objectId"], "index: objectId differs from its key")
        self.name = f"{m[3]}-{m[4]}"
        data = read_object(os.path.join(inst.folder, "policies", point.policy_name, "indexes", self.name), INDEX)
        need(len(data) == pin["length"], "index: its length is not the recorded one")
        need(sha256(data) == pin["sha256"], "index: its SHA-256 is not the recorded one")
        sequence = int(m[3], 16)
        h = parse_header(data, INDEX, inst.id, point.policy, sequence, pin["objectId"], point.header.store)
        need(data[128:160] == pin["salt"], "index: its salt is not the recorded one")
        keys = policy_keys(inst.master(h.master), inst.id, point.policy, h.generation)
        c = self.content = unpad(open_object(data, keys.index, "index"), "index")
        need(len(c) >= 48 and c[:8] == b"HFIX0001", "index: no index content")
        packs, self.block_count, self.chunk_count, strings, bits = struct.unpack_from("<IIIIB", c, 8)
        need(c[25:32] == bytes(7), "index: reserved bytes are not zero")
        need(self.chunk_count <= 1 << 20, "index: too many chunks")
        self.blocks_at = 40 + packs * PACK_ROW.size
        self.ids_at = self.blocks_at + self.block_count * BLOCK_ROW.size
        self.locators_at = self.ids_at + 32 * self.chunk_count
        strings_at = self.locators_at + LOCATOR.size * self.chunk_count
        need(strings_at + strings == len(c), "index: its counts are not those of its length")
        prefix = int.from_bytes(c[32:40], "little")
        need(bits <= 64 and prefix & ((1 << (64 - bits)) - 1) == 0, "index: bad prefix")
        self.packs = []
        for i in range(packs):
            *fields, at, n = PACK_ROW.unpack_from(c, 40 + i * PACK_ROW.size)
            need(at + n <= strings, "index: a version id beyond the strings")
            try:
                version = c[strings_at + at:strings_at + at + n].decode("utf-8")
            except UnicodeDecodeError:
                raise Refused("index: a version id is not UTF-8")
            row = PackRow(*fields, version)
            need(row.generation >= 1 and row.epoch >= 1 and 192 + 16 <= row.length <= 256 * MIB, "index: bad pack row")
            body_segments(row.length - 192, "index: pack row")
            self.packs.append(row)
        room, raw_lengths = [row.length - 192 - 16 * body_segments(row.length - 192) for row in self.packs], []
        for pack, offset, stored, raw, codec, kind, zero in BLOCK_ROW.iter_unpack(c[self.blocks_at:self.ids_at]):
            need(pack < packs and zero == 0 and offset + stored <= room[pack] and good_block(stored, raw, codec, kind),
                 "index: bad block row")
            raw_lengths.append(raw)
        last = None
        for i in range(self.chunk_count):
            one = c[self.ids_at + 32 * i:self.ids_at + 32 * i + 32]
            need(last is None or last < one, "index: ids are not ascending")
            need((int.from_bytes(one[:8], "big") ^ prefix) >> (64 - bits) == 0, "index: an id outside its prefix")
            block, offset, n = self.locator(i)
            need(block < self.block_count, "index: a locator names no block")
            need(1 <= n and offset + n <= raw_lengths[block], "index: a locator beyond its block")
            last = one

    def block(self, i):
        return BLOCK_ROW.unpack_from(self.content, self.blocks_at + i * BLOCK_ROW.size)

    def locator(self, i):
        return LOCATOR.unpack_from(self.content, self.locators_at + i * LOCATOR.size)

    def id(self, i):
        return self.content[self.ids_at + 32 * i:self.ids_at + 32 * i + 32]

    def __len__(self):
        return self.chunk_count

    def __getitem__(self, i):
        return self.id(i)

    def find(self, chunk_id):
        i = bisect.bisect_left(self, chunk_id, 0, self.chunk_count)
        return i if i < self.chunk_count and self.id(i) == chunk_id else None


# ---------------------------------------------------------------- trees and lists

FIXED = {0x01: 12, 0x02: 12, 0x03: 8, 0x06: 4, 0x08: 0, 0x81: 8, 0x83: 41, 0x85: 32, 0x86: 8, 0x87: 8}
DATA_TAGS = {0x81, 0x82, 0x83, 0x88}
CRITICAL = {FILE: DATA_TAGS | {0x86, 0x89}, DIR: {0x85, 0x89}, LINK: {0x84, 0x86}, FIFO: {0x86}, SOCKET: {0x86},
            CHAR: {0x86, 0x87}, BLOCK: {0x86, 0x87}, STREAM: DATA_TAGS}
Data = namedtuple("Data", "size total extents form value")  # form None: no data bytes


def show(name):
    return name.decode("utf-8", "backslashreplace") if isinstance(name, bytes) else name


def when(value):
    seconds, ns = struct.unpack("<qI", value)
    need(ns < 10**9, "entry: nanoseconds out of range")
    return seconds * 10**9 + ns


def named(value, what):
    need(len(value) >= 2, f"entry: {what} cut short")
    n = int.from_bytes(value[:2], "little")
    need(len(value) >= 2 + n, f"entry: {what} cut short")
    return value[2:2 + n], value[2 + n:]


def check_refs(form, value, total, what):
    if form == 0:
        need(len(value) % 32 == 0 and len(value) <= 64 * 32, f"{what}: bad list of ids")
        need(bool(value) == (total > 0), f"{what}: ids without data, or data without ids")
        need(len(value) // 32 <= total, f"{what}: more chunks than bytes")
    else:
        need(form == 1 and len(value) == 41 and total > 0, f"{what}: bad reference to a list")
        need(value[32] <= 4 and int.from_bytes(value[33:], "little") > 64, f"{what}: bad list")
        need(int.from_bytes(value[33:], "little") <= total, f"{what}: more chunks than bytes")


class Entry:
    def __init__(self, kind, mode, tlvs):
        self.kind, self.mode, self.group, self.streams, self.xattrs = kind, mode, None, [], []
        need(kind in CRITICAL, f"entry: kind {kind} is not known")
        need(mode <= 0o7777, "entry: mode out of range")
        self.tlvs, one, at, last = tlvs, {}, 0, None
        while at < len(tlvs):
            need(at + 5 <= len(tlvs), "entry: a TLV is cut short")
            tag, n = struct.unpack_from("<BI", tlvs, at)
            need(at + 5 + n <= len(tlvs), "entry: a TLV is cut short")
            value, at = tlvs[at + 5:at + 5 + n], at + 5 + n
            need(tag, "entry: tag 00")
            need(last is None or tag > last[0] or (tag == last[0] and tag in (5, 7, 0x89) and value > last[1]),
                 f"entry: tag {tag:02x} out of order")
            last = (tag, value)
            need(tag < 0x80 or tag in CRITICAL[kind], f"entry: critical tag {tag:02x} is unknown, or not of this kind")
            need(tag not in FIXED or n == FIXED[tag], f"entry: tag {tag:02x} of wrong length")
            if tag == 5:
                self.xattrs.append(named(value, "extended attribute"))
            elif tag == 7:
                need(n >= 1, "entry: ACL without a form")
                one.setdefault(7, []).append(value[0])
            elif tag == 0x89:
                name, rest = named(value, "further stream")
                need(len(rest) >= 9, "entry: further stream cut short")
                size = int.from_bytes(rest[:8], "little")
                need(size < 1 << 63, "entry: size out of range")
                check_refs(rest[8], rest[9:], size, "entry: further stream")
                self.streams.append((name, Data(size, size, [(0, size)], rest[8] if size else None, rest[9:])))
            else:
                one[tag] = value
        for names in ([n for n, _ in self.xattrs], [n for n, _ in self.streams], one.get(7, [])):
            need(len(set(names)) == len(names), "entry: two attributes, streams or ACLs of one name")
        self.mtime = when(one[1]) if 1 in one else None
        if 2 in one:
            when(one[2])
        self.owner = struct.unpack("<II", one[3]) if 3 in one else None
        need(4 not in one or one[4].count(0) == 1, "entry: bad owner names")
        self.changed, self.acl, self.other = 8 in one, any(1 <= form <= 4 for form in one.get(7, [])), {2, 6} & one.keys()
        if 0x86 in one:
            self.group = int.from_bytes(one[0x86], "little")
        need(kind != DIR or 0x85 in one, "entry: a folder without its tree")
        need(kind != LINK or 0x84 in one, "entry: a link without its target")
        need(kind != LINK or (one[0x84] and 0 not in one[0x84]), "entry: an empty link target, or one with a NUL")
        self.child, self.link = one.get(0x85), one.get(0x84)
        self.data = self.read_data(one) if kind in (FILE, STREAM) else None
        # what two names of one hard-link group must agree in
        self.same = (kind, *(one.get(t) for t in (0x81, 0x82, 0x83, 0x84, 0x87, 0x88)), str(self.streams))

    @staticmethod
    def read_data(one):
        need(0x81 in one, "entry: a file without its size")
        size = int.from_bytes(one[0x81], "little")
        need(size < 1 << 63, "entry: size out of range")
        extents, end = [(0, size)], 0
        if 0x88 in one:
            need(len(one[0x88]) % 16 == 0, "entry: tag 88 of wrong length")
            extents = list(struct.iter_unpack("<QQ", one[0x88]))
            for offset, length in extents:
                need(length >= 1 and offset >= end and offset + length <= size, "entry: bad extents")
                end = offset + length
        total = sum(length for _, length in extents)
        need(not (0x82 in one and 0x83 in one), "entry: chunk ids and a list at once")
        form = 0 if 0x82 in one else 1 if 0x83 in one else None
        need((form is not None) == (total > 0), "entry: chunks without data, or data without chunks")
        if form is not None:
            check_refs(form, one[0x83 if form else 0x82], total, "entry")
        return Data(size, total, extents, form, one[0x83 if form else 0x82] if form is not None else b"")


def parse_node(data, separator):
    """(level, [(name, child id | Entry | Refused)])"""
    need(len(data) <= MIB, "tree node: above 1 MiB")
    need(len(data) >= 12 and data[:4] == b"HFT1" and data[5:8] == bytes(3), "tree node: no tree node")
    level, count, at, items = data[4], int.from_bytes(data[8:12], "little"), 12, []
    need(level <= 7, "tree node: level above 7")
    for _ in range(count):
        need(at + 2 <= len(data), "tree node: cut short")
        n = int.from_bytes(data[at:at + 2], "little")
        at, name = at + 2 + n, data[at + 2:at + 2 + n]
        need(at + (32 if level else 9) <= len(data), "tree node: cut short")
        need(not items or items[-1][0] < name, "tree node: names are not ascending")
        if level:
            items.append((name, data[at:at + 32]))
            at += 32
            continue
        kind, mode, length = struct.unpack_from("<BII", data, at)
        tlvs, at = data[at + 9:at + 9 + length], at + 9 + length
        need(at <= len(data), "tree node: cut short")
        try:
            need(name and name not in (b".", b"..") and b"/" not in name and b"\0" not in name, "entry: forbidden name")
            need(separator not in name, "entry: the name contains the separator of its source")
            items.append((name, Entry(kind, mode, tlvs)))
        except Refused as e:
            items.append((name, e))
    need(at == len(data), "tree node: bytes after its end")
    return level, items


class Trees:
    """Walks the trees of one source."""

    def __init__(self, point, source):
        self.point, self.source = point, source
        self.separator, self.path = source["separator"].encode(), set()

    def node(self, chunk_id):
        return parse_node(self.point.chunk(chunk_id, TREE), self.separator)

    def root(self):
        level, items = self.node(self.source["root"])
        need(level == 0 and len(items) == 1, "root: must be one node with one entry")
        name, entry = items[0]
        if isinstance(entry, Refused):
            raise entry
        folder = self.source["kind"] == "folder"
        need((entry.kind == DIR and name == b"root" and folder) or (entry.kind == FILE and folder)
             or (entry.kind in (FILE, STREAM) and name == b"output" and not folder), "root: not what its source's kind has")
        return name, entry

    def entries(self, chunk_id, depth):
        """Yields (depth, name, Entry | Refused) of a folder in the order of names."""
        level, items = self.node(chunk_id)
        need(level == 0 or len(items) >= 2, "tree node: a top with less than two children")
        yield from self.below(chunk_id, level, items, depth, None)

    def below(self, chunk_id, level, items, depth, end):
        need(depth <= MAX_DEPTH, f"tree: deeper than {MAX_DEPTH}")
        need(chunk_id not in self.path, "tree: contains itself")
        need(end is None or not items or items[-1][0] < end, "tree node: names beyond the next node's first")
        self.path.add(chunk_id)
        try:
            for i, (name, item) in enumerate(items):
                if level == 0:
                    self.point.seen += 1  # over all sources
                    if self.point.seen > MAX_ENTRIES:
                        raise Unusable("more entries than the reader's cap")
                    yield depth, name, item
                    continue
                try:
                    child_level, child = self.node(item)
                    need(child_level == level - 1, "tree node: of another level than its parent says")
                    need(child and child[0][0] == name, "tree node: its first name is not the one its parent says")
                    yield from self.below(item, child_level, child, depth + 1, items[i + 1][0] if i + 1 < len(items) else end)
                except Refused as e:
                    yield depth, name, Refused(f"this name and those after it in its node: {e}")
        finally:
            self.path.discard(chunk_id)

    def list_ids(self, chunk_id, level, top=False):
        data = self.point.chunk(chunk_id, LIST)
        need(len(data) <= MIB and len(data) >= 12 and data[:4] == b"HFL1" and data[5:8] == bytes(3), "list: no list node")
        need(data[4] == level, "list: of another level than its parent says")
        count, step = int.from_bytes(data[8:12], "little"), 32 if level else 36
        need(count >= 1 and len(data) == 12 + count * step, "list: its count is not that of its length")
        need(not top or level == 0 or count >= 2, "list: a top with less than two children")
        for at in range(12, len(data), step):
            if level:
                yield from self.list_ids(data[at:at + 32], level - 1)
            else:
                length = int.from_bytes(data[at + 32:at + 36], "little")
                need(1 <= length <= 8 * MIB, "list: a chunk's length out of range")
                yield data[at:at + 32], length

    def chunk_ids(self, d):
        """Yields (id, recorded length | None) of a file's data."""
        if d.form == 0:
            for at in range(0, len(d.value), 32):
                yield d.value[at:at + 32], None
        elif d.form == 1:
            total, n = int.from_bytes(d.value[33:], "little"), 0
            for pair in self.list_ids(d.value[:32], d.value[32], top=True):
                n += 1
                need(n <= total, "list: more chunks than recorded")
                yield pair
            need(n == total, "list: fewer chunks than recorded")

    def pieces(self, d, length_of):
        """Yields (id, what length_of gave) and proves that the lengths make the recorded sum."""
        done = 0
        for chunk_id, recorded in self.chunk_ids(d):
            got = length_of(chunk_id)
            n = got if isinstance(got, int) else len(got)
            need(recorded is None or recorded == n, "list: another length than the chunk's")
            done += n
            need(done <= d.total, "file: more data than its size")
            yield got
        need(done == d.total, "file: less data than its size")


def check_tree(point, source, length_of, counts):
    """Walks a source wholly; `length_of` proves a data chunk and gives its length (None: not looked at)."""
    trees, label = Trees(point, source), source["id"]
    groups = {}

    def file(where, entry):
        counts["files" if entry.kind in (FILE, STREAM) else {DIR: "folders", LINK: "links"}.get(entry.kind, "others")] += 1
        if length_of is None:
            return
        for name, d in ([("", entry.data)] if entry.data else []) + entry.streams:
            try:
                for _ in trees.pieces(d, length_of):
                    pass
                counts["bytes"] += d.total
            except Refused as e:
                point.problem(where + (f" (stream {show(name)})" if name else ""), e)
        if entry.changed:
            point.notes["files that changed while they were read"] += 1
        if entry.group is not None and groups.setdefault(entry.group, entry.same) != entry.same:
            point.problem(where, "names of one hard-link group differ in data")

    def folder(where, chunk_id, depth):
        try:
            for d, name, entry in trees.entries(chunk_id, depth):
                inner = f"{where}/{show(name)}"
                if isinstance(entry, Refused):
                    point.problem(inner, entry)
                    continue
                file(inner, entry)
                if entry.kind == DIR:
                    folder(inner, entry.child, d + 1)
        except Refused as e:
            point.problem(where, e)

    try:
        name, entry = trees.root()
        file(label if entry.kind == DIR else f"{label}/{show(name)}", entry)
        if entry.kind == DIR:
            folder(label, entry.child, 1)
    except Refused as e:
        point.problem(label, e)


# ---------------------------------------------------------------- full verification

def parse_directory(plain):
    """offset -> (storedLen, rawLen, codec, kind, [(id, offset, length)]) of a whole pack."""
    need(len(plain) >= 24, "pack: too short")
    at, length, count, zero, magic = struct.unpack("<IIII8s", plain[-24:])
    need(magic == b"HFPACK01" and zero == 0, "pack: no trailer")
    end = at + length
    need(end <= len(plain) - 24, "pack: the directory is beyond the pack")
    need(plain.count(0, end, len(plain) - 24) == len(plain) - 24 - end, "pack: padding is not zero")
    directory, expected, first = {}, 0, at
    for _ in range(count):
        need(at + 16 <= end, "pack: the directory is cut short")
        offset, stored, raw, codec, kind, n = struct.unpack_from("<IIIBBH", plain, at)
        need(offset == expected and stored >= 1, "pack: blocks are not back to back")
        need(n >= 1 and good_block(stored, raw, codec, kind), "pack: a bad row in the directory")
        at, expected = at + 16, offset + stored
        need(at + 40 * n <= end, "pack: the directory is cut short")
        chunks = list(struct.iter_unpack("<32sII", plain[at:at + 40 * n]))
        need(all(1 <= size <= 8 * MIB and start + size <= raw for _, start, size in chunks), "pack: a bad chunk in the directory")
        directory[offset] = (stored, raw, codec, kind, chunks)
        at += 40 * n
    need(at == end and expected == first, "pack: the directory does not end where it should")
    return directory


def verify_packs(point, counts):
    """Reads every pack of the pinned indexes wholly; gives the good data chunks and the missing packs."""
    packs, good, missing = {}, {}, {}
    for index in point.indexes:
        members = {}
        for i in range(index.chunk_count):
            members.setdefault(index.locator(i)[0], []).append(i)
        for i in range(index.block_count):
            b = index.block(i)
            packs.setdefault(index.packs[b[0]].object_id, []).append((index, b, members.get(i, [])))
        for row in index.packs:
            packs.setdefault(row.object_id, []).append((index, row, None))
    for object_id, rows in packs.items():
        where, path = f"pack {object_id.hex()}", point.pack_path(object_id)
        if not os.path.exists(path):
            missing[object_id] = [i.id(c) for i, _, m in rows for c in m or []]
            continue
        try:
            data = read_object(path, PACK, 256 * MIB)
            h = parse_header(data, PACK, point.inst.id, point.policy, 0, object_id, point.header.store)
            keys = policy_keys(point.inst.master(h.master), point.inst.id, point.policy, h.generation)
            plain = open_object(data, keys.pack, "pack")
            directory = parse_directory(plain)
            counts["packs"] += 1
        except Refused as e:
            point.problem(where, e)
            continue
        real, wrong = (h.generation, data[128:160], len(data), sha256(data)), set()
        for index, row, m in rows:
            if m is not None:
                continue
            recorded = (row.generation, row.salt, row.length, row.sha256)
            bad = [n for n, x, y in zip(("keyGeneration", "salt", "length", "SHA-256"), real, recorded) if x != y]
            bad += [] if h.master in point.inst.epochs.get(row.epoch, []) else ["keyEpoch"]
            if bad:
                wrong.add((index.name, row))
                point.problem(where, f"index {index.name}: records another {', '.join(bad)}")
        proved = {}
        for offset, (stored, raw, codec, kind, members) in directory.items():
            try:
                block = decode_block(plain[offset:offset + stored], raw, codec)
                counts["blocks"] += 1
                for chunk_id, at, n in members:
                    need(hmac256(keys.ids[kind], block[at:at + n]) == chunk_id,
                         f"chunk {chunk_id.hex()[:16]}…: the bytes have another id")
                    counts["chunks"] += 1
                    proved[(offset, chunk_id, at, n)] = kind
            except Refused as e:
                point.problem(f"{where}, block at {offset}", e)
        for index, b, members in rows:
            if members is None or (index.name, index.packs[b[0]]) in wrong:
                continue
            if directory.get(b[1], ())[:4] != b[2:6]:
                point.problem(f"{where}, block at {b[1]}", f"index {index.name} records it differently")
                continue
            for i in members:
                chunk_id, (_, at, n) = index.id(i), index.locator(i)
                if (b[1], chunk_id, at, n) not in proved:
                    point.problem(f"{where}, block at {b[1]}", f"index {index.name} names a chunk that is not there or not right")
                elif b[5] == DATA:
                    good[chunk_id] = n
    return good, missing


def verify(point):
    counts, wanted = Counter(), set()
    good, missing = verify_packs(point, counts)

    def length_of(chunk_id):
        wanted.add(chunk_id)
        need(chunk_id in good, f"data chunk {chunk_id.hex()[:16]}…: in no pack that is whole")
        return good[chunk_id]

    for source in point.json["sources"]:
        check_tree(point, source, length_of, counts)
    for object_id, ids in missing.items():
        if any(i in wanted and i not in good for i in ids):
            point.problem(f"pack {object_id.hex()}", "pack: missing")
        else:  # a missing pack with trees or lists that are needed shows in the walk itself
            point.notes["packs in the pinned indexes that are gone, with no data that is needed"] += 1
    return counts


# ---------------------------------------------------------------- restore

class Restore:
    """Writes below one folder only: each step goes through an open folder and follows no link."""

    def __init__(self, point, target):
        self.point, self.counts, self.groups = point, Counter(), {}
        os.makedirs(target, mode=0o700, exist_ok=True)
        self.top = os.open(target, os.O_RDONLY | os.O_DIRECTORY)
        if os.listdir(self.top):
            raise Unusable("the target is not empty")
        self.root_user = os.geteuid() == 0

    def run(self):
        for source in self.point.json["sources"]:
            self.trees, self.groups = Trees(self.point, source), {}
            try:
                name, entry = self.trees.root()
                os.mkdir(source["id"], 0o700, dir_fd=self.top)
                fd = self.open_folder(source["id"], self.top)
                try:
                    if entry.kind == DIR:
                        self.folder(fd, (source["id"],), entry, 1)
                    else:
                        self.entry(fd, (source["id"],), name, entry, 1)
                finally:
                    os.close(fd)
            except (Refused, OSError, ValueError, OverflowError) as e:
                self.point.problem(source["id"], e)
        return self.counts

    @staticmethod
    def open_folder(name, parent):
        return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)

    def folder(self, fd, parts, entry, depth):
        where = "/".join(map(show, parts))
        try:
            for d, name, child in self.trees.entries(entry.child, depth):
                if isinstance(child, Refused):
                    self.point.problem(f"{where}/{show(name)}", child)
                else:
                    self.entry(fd, parts, name, child, d + 1)
        except Refused as e:
            self.point.problem(where, e)
        self.counts["folders"] += 1
        self.attributes(entry, fd, where)
        self.name_streams(entry, where)

    def entry(self, parent, parts, name, entry, depth):
        where = "/".join(map(show, parts + (name,)))
        try:
            if entry.kind == DIR:
                os.mkdir(name, 0o700, dir_fd=parent)
                fd = self.open_folder(name, parent)
                try:
                    self.folder(fd, parts + (name,), entry, depth)
                finally:
                    os.close(fd)
            elif not self.hard_link(parent, name, entry, where):
                if self.single(parent, name, entry, where) and entry.group is not None:
                    self.groups.setdefault(entry.group, (parts, name, entry.same))
            if entry.kind != DIR:
                self.name_streams(entry, where)
        except (Refused, OSError, ValueError, OverflowError) as e:
            self.point.problem(where, e)

    def name_streams(self, entry, where):
        for stream, _ in entry.streams:
            self.point.problem(f"{where} (stream {show(stream)})", "further streams are not restored by this reader")

    def hard_link(self, parent, name, entry, where):
        known = self.groups.get(entry.group) if entry.group is not None else None
        if known is None:
            return False
        parts, first, same = known
        if same != entry.same:
            self.point.problem(where, "names of one hard-link group differ in data; restored alone")
            return False
        fd = os.dup(self.top)
        try:
            for part in parts:
                inner = self.open_folder(part, fd)
                os.close(fd)
                fd = inner
            os.link(first, name, src_dir_fd=fd, dst_dir_fd=parent, follow_symlinks=False)
        finally:
            os.close(fd)
        self.counts["hardLinks"] += 1
        return True

    def single(self, parent, name, entry, where):
        """Anything but a folder; False where there is nothing that a further name could be linked to."""
        if entry.kind == LINK:
            os.symlink(entry.link, name, dir_fd=parent)
            self.counts["links"] += 1
            here = {"dir_fd": parent, "follow_symlinks": False}
            self.owner(entry, where, os.stat(name, **here), lambda uid, gid: os.chown(name, uid, gid, **here))
            self.times(entry, where, lambda ns: os.utime(name, ns=ns, **here), lambda: os.stat(name, **here))
            return True
        if entry.kind == FIFO:
            os.mkfifo(name, 0o600, dir_fd=parent)
            fd = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW, dir_fd=parent)
            self.counts["fifos"] += 1
        elif entry.kind in (SOCKET, CHAR, BLOCK):
            self.point.notes["sockets and devices are not restored"] += 1
            return False
        else:
            fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=parent)
        try:
            if entry.data:
                self.write(fd, entry.data)
                self.counts["files"] += 1
                self.counts["bytes"] += entry.data.total
            self.attributes(entry, fd, where)
        except BaseException:
            os.unlink(name, dir_fd=parent)  # half a file is no file
            raise
        finally:
            os.close(fd)
        return True

    def write(self, fd, d):
        extents = iter(d.extents)
        at, left = next(extents, (0, 0))
        for data in self.trees.pieces(d, lambda i: self.point.chunk(i, DATA)):
            view = memoryview(data)
            while view:
                if not left:
                    at, left = next(extents)
                n = os.pwrite(fd, view[:left], at)
                at, left, view = at + n, left - n, view[n:]
        os.ftruncate(fd, d.size)

    def owner(self, entry, where, now, chown):
        """Whether the new thing has its recorded owner and group."""
        if entry.owner is None or entry.owner == (now.st_uid, now.st_gid):
            return entry.owner is not None
        if not self.root_user:
            self.point.notes["owners that cannot be restored without being root"] += 1
            return False
        try:
            need(0xFFFFFFFF not in entry.owner, "no owner that the system knows")
            chown(*entry.owner)
            return True
        except (Refused, OSError, OverflowError) as e:
            self.point.problem(where, f"owner not set: {e}")
            return False

    def times(self, entry, where, utime, now):
        for _ in entry.other:
            self.point.notes["birth times and Windows attributes are not restored"] += 1
        if entry.acl:
            self.point.notes["ACLs are not restored"] += 1
        try:
            if entry.mtime is not None:
                utime((entry.mtime, entry.mtime))
                # some systems take any time and keep the nearest that they know
                need(abs(now().st_mtime_ns - entry.mtime) < 3 * 10**9, "out of the system's range")
        except (Refused, OSError, ValueError, OverflowError) as e:
            self.point.problem(where, f"time not set: {e}")

    def attributes(self, entry, fd, where):
        mode, notes = entry.mode, self.point.notes
        if not self.owner(entry, where, os.fstat(fd), lambda uid, gid: os.fchown(fd, uid, gid)) and mode & 0o6000:
            mode &= 0o1777
            notes["set-id bits left out: the owner is not recorded or cannot be restored"] += 1
        for name, value in entry.xattrs:
            try:
                os.setxattr(fd, name, value)
            except (OSError, AttributeError, ValueError):
                notes["extended attributes that could not be set"] += 1
        if entry.changed:
            notes["files that changed while they were read"] += 1
        try:
            os.fchmod(fd, mode)
        except OSError as e:
            self.point.problem(where, f"mode not set: {e}")
        self.times(entry, where, lambda ns: os.utime(fd, ns=ns), lambda: os.fstat(fd))


# ---------------------------------------------------------------- command line

def installations_in(folder):
    names = [n for n in names_in(folder) if UUID_RE.fullmatch(n) and os.path.isdir(os.path.join(folder, n))]
    if not names:
        raise Unusable("no installation found here")
    return names


def open_recoveries(folder, secret):
    """The installations whose bundles the DR passphrase opens, by name, and what could not be opened."""
    found = {name: Recovery(folder, name, secret) for name in installations_in(folder)}
    opened = {name: r for name, r in found.items() if r.drk is not None}
    problems = [p for r in found.values() for p in r.problems]
    if not opened:
        raise Unusable("; ".join(["DR passphrase wrong, or no bundle"] + [f"{p['where']}: {p['what']}" for p in problems]))
    return opened, problems


def open_store(folder, secret, recoveries=None):
    """The installations of a location that the passphrase opens, and what could not be opened."""
    opened, problems = [], []
    for name in installations_in(folder):
        inst = Installation(folder, name, secret, (recoveries or {}).get(name))
        if inst.unlock():
            opened.append(inst)
        else:
            outside = sorted({s["kind"] for k in inst.keyrings for s in k.body["slots"] if s and s["kind"] != "passphrase"})
            what = "passphrase wrong, or slot damaged" if any(k.slots for k in inst.keyrings) else \
                f"no slot of a passphrase, only of {', '.join(outside)}" if outside else "no usable keyring"
            problems += inst.problems + [{"where": name, "what": what}]
    if not opened:
        raise Unusable("; ".join(f"{p['where']}: {p['what']}" for p in problems))
    return opened, problems


def policies_of(inst):
    if isinstance(inst, Imported):
        return [inst.policy]
    return [n for n in names_in(os.path.join(inst.folder, "policies")) if UUID_RE.fullmatch(n)]


def emit(value):
    json.dump(value, sys.stdout, indent=1)
    print()


def all_points(opened, problems):
    for inst in opened:
        for policy in policies_of(inst):
            points, refused = inst.points(policy)
            problems += refused
            for p in points:
                p.load().check_chain(points)
                yield p
                problems += p.problems
        inst.check_keyrings()
        problems += inst.problems


def finish_list(out, problems):
    emit(out)
    for p in problems:
        print(f"{p['where']}: {p['what']}", file=sys.stderr)
    return 5 if problems else 0


def do_list(opened, problems):
    out = []
    for p in all_points(opened, problems):
        counts = Counter()
        try:
            for source in p.json["sources"]:
                check_tree(p, source, None, counts)
        except Unusable as e:
            p.problem(f"restore point {p.sequence}", e)
        out.append({"policyId": p.policy_name, "sequence": p.sequence, "objectId": p.object_id.hex(),
                    "finished": p.json["claimed"]["finished"],
                    "sources": [{k: s[k] for k in ("id", "kind", "label")} for s in p.json["sources"]],
                    "files": counts["files"]})
    return finish_list(out, problems)


def do_dump(opened, problems):
    return finish_list([{"policyId": p.policy_name, "sequence": p.sequence, "objectId": p.object_id.hex(),
                         "sources": [{"id": s["id"], "root": s["root"].hex()} for s in p.json["sources"]]}
                        for p in all_points(opened, problems)], problems)


def do_one(opened, problems, args):
    candidates, holders = [], []
    for i in opened:
        if args.policy in policies_of(i):
            points, refused = i.points(args.policy)
            candidates, holders = candidates + points, holders + [i]
            problems += refused
    wanted = [p for p in candidates if args.sequence in (None, p.sequence) and args.object in (None, p.object_id.hex())]
    if not wanted:
        for i in holders:
            i.check_keyrings()
            problems += i.problems
        raise Unusable("; ".join([f"no such restore point of policy {args.policy}"]
                                 + [f"{p['where']}: {p['what']}" for p in problems]))
    wanted = [p for p in wanted if p.sequence == max(q.sequence for q in wanted)]
    if len(wanted) > 1:
        raise Unusable("a fork: choose with --object " + " or ".join(p.object_id.hex() for p in wanted))
    point, inst = wanted[0], wanted[0].inst
    work = Restore(point, args.target).run if args.command == "restore" else lambda: verify(point)
    point.load().check_chain(candidates)
    report = {"command": args.command, "policyId": point.policy_name, "sequence": point.sequence,
              "objectId": point.object_id.hex(), "finished": point.json["claimed"]["finished"]}
    # folders are walked by recursion: some frames and, in a restore, one open folder for each level
    sys.setrecursionlimit(30000)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 8192)), hard))
    try:
        counts = work()
    except Unusable as e:
        point.problem("", e)
        counts = Counter()
    for i in holders:
        i.check_keyrings()  # at the end: by now more keys may be held
        problems += i.problems
    problems += point.problems
    emit({**report, "ok": not problems, "counts": counts, "problems": problems, "notes": inst.notes + point.notes})
    return 5 if problems else 0


def bundle_rows(recovery, inst, problems):
    """What is said of each bundle, in the order of time; what is refused is left out."""
    held = {b.object_id for b in recovery.bundles if b.json["base"] is None}
    for b in recovery.bundles:
        where, j, mk = f"recovery/{b.name}", b.json, inst and inst.masters.get(b.header.master)
        if mk and not b.is_owned(mk, recovery.id):
            problems.append({"where": where, "what": "bundle: the ownerTag does not hold: not written by the owner"})
            continue
        if j["base"] is not None and j["base"] not in held:
            problems.append({"where": where, "what": "bundle: its base is no full bundle that is here"})
            continue
        keyring = recovery.keyring(b)
        yield b, {"installationId": recovery.name, "bundleId": b.object_id.hex(), "created": j["created"], "sequence": b.header.sequence,
                  "machineId": j["machineId"], "base": j["base"] and j["base"].hex(), "restorePoints": j["restorePoints"],
                  "audit": j["audit"] and {"sequence": j["audit"]["sequence"], "sha256": j["audit"]["sha256"].hex()},
                  "catalogLength": j["catalogLength"], "ownerTag": "holds" if mk else "not checked",
                  "passkeys": sorted(s["kind"] for s in keyring.body["slots"] if s) if keyring else []}


def do_bundles(args, recoveries, opened, problems):
    by_name = {inst.name: inst for inst in opened}
    rows = [pair for name, r in recoveries.items() for pair in bundle_rows(r, by_name.get(name), problems)]
    for name, r in recoveries.items():
        problems += [p for p in r.problems if p not in problems]
    if args.command == "bundles":
        return finish_list([row for _, row in rows], problems)
    wanted = [(b, row) for b, row in rows if args.bundle in (None, row["bundleId"])]
    if not wanted:
        raise Unusable("; ".join(["no such bundle"] + [f"{p['where']}: {p['what']}" for p in problems]))
    bundle, row = wanted[-1]
    raw = bundle.catalog()
    with open(args.target, "xb", opener=lambda path, flags: os.open(path, flags, 0o600)) as f:
        f.write(raw)
    return finish_list({**row, "target": args.target}, problems)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--store", required=True, help="folder of the location")
    parser.add_argument("--passphrase-file", help="of a passkey; bundles open without it, and their ownerTags are not checked then")
    parser.add_argument("--import-data-file", help="of one policy, in place of a passphrase: what policy export gave")
    parser.add_argument("--dr-passphrase-file", help="of disaster recovery: opens bundles, and only keyrings of its key are used")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="all restore points, as a JSON array")
    commands.add_parser("dump-trees", help="tree ids of the roots of all sources")
    for name in ("restore", "verify"):
        c = commands.add_parser(name)
        c.add_argument("--policy", required=True)
        c.add_argument("--sequence", type=int, help="default: the highest")
        c.add_argument("--object", help="objectId (hex), to choose between forks")
        if name == "restore":
            c.add_argument("--target", required=True, help="a new or empty folder")
    commands.add_parser("bundles", help="all bundles of the catalog, as a JSON array")
    c = commands.add_parser("catalog", help="writes the catalog of a bundle, a SQLite database")
    c.add_argument("--bundle", help="bundleId (hex); default: the newest")
    c.add_argument("--target", required=True, help="a new file")
    args = parser.parse_args(argv)
    is_recovery = args.command in ("bundles", "catalog")
    if not (args.dr_passphrase_file if is_recovery else args.passphrase_file or args.import_data_file):
        parser.error(f"{args.command} needs --{'dr-' if is_recovery else ''}passphrase-file")
    try:
        recoveries, opened, problems = {}, [], []
        if args.dr_passphrase_file:
            recoveries, problems = open_recoveries(args.store, read_passphrase(args.dr_passphrase_file))
        if args.import_data_file:
            try:
                opened.append(Imported(args.store, args.import_data_file))
            except Refused as e:
                raise Unusable(str(e)) from None
        elif args.passphrase_file:
            opened, more = open_store(args.store, read_passphrase(args.passphrase_file), recoveries)
            problems += more
        if is_recovery:
            return do_bundles(args, recoveries, opened, problems)
        if args.command in ("list", "dump-trees"):
            return (do_list if args.command == "list" else do_dump)(opened, problems)
        return do_one(opened, problems, args)
    except (Unusable, OSError) as e:
        print(f"holdfast_reader: {e}", file=sys.stderr)
        return 4


if __name__ == "__main__":
    sys.exit(main())
