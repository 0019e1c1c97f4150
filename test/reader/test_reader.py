"""Tests of the reader against stores of the tiny writer. Run: python test_reader.py"""
import contextlib
import hashlib
import io
import json
import os
import random
import shutil
import stat
import subprocess
import sys
import tempfile
import traceback
import uuid

import zstandard

import holdfast_reader
import tiny_writer as tw
from tiny_writer import File, Folder, Link, Special, Writer, b64, entry, node, tlv, u16, u32, u64

PASSPHRASE = "correct-horse-battery-staple-and-some-more-words"
SALT = hashlib.sha256(b"salt of the tests").digest()
TESTS = []
_scrypt, _memo = hashlib.scrypt, {}


def memo_scrypt(password, **kw):
    """One derivation for each set: the same 2^17 would otherwise be done hundreds of times."""
    key = (password, *sorted((k, v) for k, v in kw.items() if k != "maxmem"))
    if key not in _memo:
        _memo[key] = _scrypt(password, **kw)
    return _memo[key]


hashlib.scrypt = memo_scrypt


def test(f):
    TESTS.append(f)
    return f


class Box:
    """A folder for one test."""
    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="holdfast-reader-")
        return self

    def __exit__(self, *_):
        for folder, _, _ in os.walk(self.path):
            os.chmod(folder, 0o700)
        shutil.rmtree(self.path)

    def writer(self, name="store", **kw):
        return Writer(os.path.join(self.path, name), PASSPHRASE, SALT, **kw)

    def run(self, *args, store="store", passphrase=PASSPHRASE + "\n"):
        secret = os.path.join(self.path, "passphrase")
        with open(secret, "wb") as f:
            f.write(passphrase if isinstance(passphrase, bytes) else passphrase.encode())
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = holdfast_reader.main(["--store", os.path.join(self.path, store), "--passphrase-file", secret, *args])
        text = out.getvalue()
        return code, json.loads(text) if text else None, err.getvalue()

    def restore(self, w, *args, fresh=True):
        target = os.path.join(self.path, "out")
        if fresh:
            shutil.rmtree(target, ignore_errors=True)
        code, report, err = self.run("restore", "--policy", str(w.policy_id), "--target", target, *args)
        return code, report, os.path.join(target, w.source_id)

    def verify(self, w, *args):
        return self.run("verify", "--policy", str(w.policy_id), *args)


def noise(n, seed=1):
    return random.Random(seed).randbytes(n)


def sample():
    """Every kind of thing the format knows of, and odd names."""
    holes = File(b"AAAA" * 1000 + b"B" * 10, extents=[(4096, 4000), (1 << 20, 10)], size=(1 << 22) + 7)
    t = Folder({
        b"empty": File(b""), b"empty folder": Folder(), b"small.txt": File(b"hello\n", 0o600),
        b"big": File(noise(700_000), 0o444), b"long list": File(noise(200_000, 2), cut=700),
        b"very long list": File(noise(40_000, 3), cut=100), b"compressible": File(b"abc" * 300_000, cut=500_000),
        b"sparse": holes, b"all hole": File(b"", extents=[], size=123_456_789),
        b"link": Link(b"small.txt"), b"dangling": Link(b"/etc/\xff none"), b"up": Link(b"../../.."),
        b"one": File(b"shared", group=7), b"other": File(b"shared", group=7), b"fifo": Special(4, tlv(0x86, u64(9))),
        b"socket": Special(5), b"device": Special(6, tlv(0x87, u32(1) + u32(3))),
        b"extras": File(b"x", extra=[tlv(4, b"root\0wheel"), tlv(5, u16(6) + b"user.avalue"), tlv(5, u16(6) + b"user.bvalue"),
                                     tlv(6, u32(32)), tlv(7, b"\x01acl"), tlv(8, b""), tlv(0x55, b"from the future")]),
        b"odd": Folder({n: File(n) for n in (b"\xff\xfe", b"new\nline", b" ", b"...", b"-rf", "ü".encode(), b"a" * 255, b"back\\slash",
                                            b"*?", b"root", b".hidden", b"\x01")}),
        b"deep": Folder({b"a": Folder({b"b": Folder({b"c": Folder({b"file": File(b"deep")})})})}),
        b"many": Folder({b"%04d" % i: File(b"%d" % i) for i in range(300)}),
    })
    t[b"deep"].mode = 0o555
    return t


def compare(path, what, where=""):
    """The restored thing is what was written, to the byte, the mode and the nanosecond."""
    if isinstance(what, Folder):
        got = set(os.listdir(os.fsencode(path)))
        want = {n for n, x in what.items() if not (isinstance(x, Special) and x.kind != 4)}
        assert got == want, f"{where}: {got ^ want}"
        for n in want:
            compare(os.path.join(os.fsencode(path), n), what[n], f"{where}/{n!r}")
    s = os.lstat(path)
    assert s.st_mtime_ns == tw.MTIME[0] * 10**9 + tw.MTIME[1], f"{where}: mtime"
    if isinstance(what, Link):
        assert os.readlink(path) == what.target, where
        return
    assert stat.S_IMODE(s.st_mode) == (0o600 if isinstance(what, Special) else what.mode), f"{where}: mode"
    if isinstance(what, File):
        with open(path, "rb") as f:
            got = f.read() if what.size < 1 << 25 else None
        want, at = bytearray(what.size if got is not None else 0), 0
        for offset, n in what.extents if what.extents is not None else [(0, what.size)]:
            if got is not None:
                want[offset:offset + n] = what.data[at:at + n]
            at += n
        assert s.st_size == what.size and (got is None or got == want), f"{where}: content"
        if what.extents is not None:
            assert s.st_blocks * 512 < max(what.size // 4, 65536), f"{where}: not sparse"


def small(box, **kw):
    w = box.writer(**kw)
    w.keyring()
    return w


def refused(box, w, words, code=5):
    """verify and restore of the newest point both name `words`."""
    for got, report, err in (box.verify(w), box.restore(w)):
        text = json.dumps(report, ensure_ascii=False) + err
        assert got == code, f"exit {got}: {text}"
        assert words in text, f"{words!r} not in {text}"


def in_tree(words, items, more=(), walk=True):
    """A store whose only folder holds these entries: the entry is refused, the rest is restored."""
    with Box() as box:
        w = small(box)
        rows = sorted([(n, e(w) if callable(e) else e) for n, e in items] + [(b"zz good", w.entry(b"zz good", File(b"good")))])
        tree = w.chunk(2, node(0, len(rows), b"".join(e for _, e in rows)))
        root = w.chunk(2, node(0, 1, entry(b"root", 2, 0o755, tlv(0x85, tree))))
        w.point(("folder", root))
        refused(box, w, words)
        out = box.restore(w)[2]
        assert os.listdir(out) == ["zz good"] if walk else "zz good" in os.listdir(out), os.listdir(out)


# ---------------------------------------------------------------- right stores

@test
def round_trip():
    with Box() as box:
        w, tree = small(box), sample()
        w.point(("folder", tree))
        code, report, out = box.restore(w)
        assert code == 0, report
        compare(out, tree)
        assert os.stat(os.path.join(out, "one")).st_ino == os.stat(os.path.join(out, "other")).st_ino
        assert os.getxattr(os.path.join(out, "extras"), "user.a") == b"value"
        code, report, _ = box.verify(w)
        assert code == 0 and report["counts"]["packs"] == 1 and report["counts"]["others"] == 3, report
        code, listed, _ = box.run("list")
        assert code == 0 and listed[0]["policyId"] == str(w.policy_id) and listed[0]["files"] == 324, listed
        code, dump, _ = box.run("dump-trees")
        assert code == 0 and len(dump[0]["sources"][0]["root"]) == 64


@test
def several_points_and_sources():
    with Box() as box:
        w = small(box)
        w.point(("folder", Folder({b"f": File(b"one")})))
        w.point(("folder", Folder({b"f": File(b"two"), b"g": File(b"kept")})), ("folder", File(b"alone")),
                ("command", File(b"dump" * 100, kind=8)))
        w.keyring()
        code, report, out = box.restore(w)
        assert code == 0, report
        assert open(os.path.join(out, "f")).read() == "two"
        base = os.path.dirname(out)
        assert open(os.path.join(base, str(uuid.uuid5(w.policy_id, "1")), "single.txt")).read() == "alone"
        assert open(os.path.join(base, str(uuid.uuid5(w.policy_id, "2")), "output")).read() == "dump" * 100
        code, report, out = box.restore(w, "--sequence", "1")
        assert code == 0 and os.listdir(out) == ["f"] and open(os.path.join(out, "f")).read() == "one"
        assert [p["sequence"] for p in box.run("list")[1]] == [1, 2]
        assert box.verify(w)[0] == 0 and box.verify(w, "--sequence", "1")[0] == 0


@test
def many_segments_and_live_chunk():
    with Box() as box:
        w = small(box)
        w.point(("folder", Folder({b"f%d" % i: File(noise(900_000, i), cut=900_000) for i in range(4)})))
        first = w.written[0]

        def row(sequence, oid, digest, version=b"v1"):
            return u64(sequence) + oid + digest + u16(len(version)) + version
        rows = [row(1, tw.base64.b64decode(first["objectId"]), tw.base64.b64decode(first["sha256"]))]
        rows += [row(1000 + i, bytes(16), bytes(32), b"") for i in range(255)]

        def with_live(last, count=257, head=b"HFV1" + u32(257)):
            w.point(("folder", Folder({b"x": File(b"x")})), live={"id": b64(w.chunk(3, head + b"".join(rows) + last)), "count": count})
        with_live(row((1 << 53) - 1, bytes(16), bytes(32), "ü".encode()))
        code, report, _ = box.verify(w)
        assert code == 0 and box.restore(w)[0] == 0, report
        assert report["notes"] == {"restore points listed as live then, not here now": 256}, report
        for words, last, kw in (("bytes after its end", row(5000, bytes(16), bytes(32)) + b"x", {}), ("cut short", b"", {}),
                                ("not UTF-8", row(5000, bytes(16), bytes(32), b"\xff"), {}),
                                ("out of range", row(1 << 53, bytes(16), bytes(32)), {}), ("not ascending", row(1, bytes(16), bytes(32)), {}),
                                ("another count", row(5000, bytes(16), bytes(32)), {"count": 258})):
            with_live(last, **kw)
            refused(box, w, words)


@test
def exactly_full_segments():
    with Box() as box:
        w = small(box)
        w.bend["codec"] = 0
        w.target = lambda plain: -(-plain // tw.S) * tw.S
        tree = Folder({b"f": File(noise(300_000))})
        w.point(("folder", tree))
        code, report, out = box.restore(w)
        assert code == 0 and box.verify(w)[0] == 0, report
        compare(out, tree)


@test
def packs_that_are_gone():
    with Box() as box:
        w = small(box)
        w.point(("folder", Folder({b"f": File(b"one")})))
        w.point(("folder", Folder({b"f": File(b"two")})))
        os.unlink(w.packs[0]["path"])
        code, report, _ = box.verify(w)
        assert code == 0 and any("gone" in n for n in report["notes"]), report
        code, report, _ = box.verify(w, "--sequence", "1")
        assert code == 5 and "pack: No such file" in json.dumps(report), report
        code, report, out = box.restore(w, "--sequence", "1")
        assert code == 5


@test
def other_master_key_and_generation():
    with Box() as box:
        w = small(box)
        w.point(("folder", Folder({b"f": File(b"old key")})))
        old_slot = w.slot()
        w.mk, w.epoch = os.urandom(32), 2
        w.master = w.kdf(w.mk, b"master-key-id", b"", 16)
        w.keyring(slots=[old_slot, w.slot()])
        w.generation, w.known, w.packs = 2, {}, []
        w.point(("folder", Folder({b"f": File(b"new key")})))
        code, report, out = box.restore(w)
        assert code == 0 and open(os.path.join(out, "f")).read() == "new key", report
        code, report, out = box.restore(w, "--sequence", "1")
        assert code == 0 and open(os.path.join(out, "f")).read() == "old key", report
        assert box.verify(w)[0] == 0


# ---------------------------------------------------------------- keys

@test
def passphrases():
    with Box() as box:
        w = small(box)
        w.point(("folder", Folder({b"f": File(b"x")})))
        assert box.run("list", passphrase="wrong")[0] == 4
        assert box.run("list", passphrase=PASSPHRASE + "\n\n")[0] == 4
        assert box.run("list", passphrase=PASSPHRASE + "\r\n")[0] == 0
        assert box.run("list", passphrase="")[0] == 4 and box.run("list", passphrase="x" * 1025)[0] == 4
        assert box.run("list", passphrase=b"\xff")[0] == 4
    with Box() as box:
        w = Writer(os.path.join(box.path, "store"), "\u00fcml\u00e4ut", SALT)
        w.keyring()
        w.point(("folder", Folder({b"f": File(b"x")})))
        assert box.run("list", passphrase="u\u0308mla\u0308ut")[0] == 0


@test
def as_a_program():
    with Box() as box:
        w = small(box)
        w.point(("folder", Folder({b"f": File(b"x")})))
        secret = os.path.join(box.path, "secret")
        with open(secret, "w") as f:
            f.write(PASSPHRASE)
        program = [sys.executable, holdfast_reader.__file__, "--store", w.location, "--passphrase-file", secret]
        done = subprocess.run([*program, "verify", "--policy", str(w.policy_id)], capture_output=True, text=True, check=True)
        assert json.loads(done.stdout)["ok"] and not done.stderr
        assert subprocess.run([*program, "restore"], capture_output=True).returncode == 2


@test
def hostile_keyrings():
    with Box() as box:
        w = small(box)
        w.point(("folder", Folder({b"f": File(b"x")})))
        good = [os.path.join(d, f) for d, _, fs in os.walk(w.location) for f in fs if os.sep + "keyring" in d][0]
        folder, data = os.path.dirname(good), open(good, "rb").read()
        body = data[132:-64]

        def with_body(new, words, code=5):
            object_id = os.urandom(16)
            head = data[:72] + object_id + u64(99) + data[96:128] + u32(len(new)) + new
            path = os.path.join(folder, f"{99:016x}-{object_id.hex()}")
            with open(path, "wb") as f:
                f.write(head + bytes(64))
            got, _, err = box.run("list")
            os.unlink(path)
            assert got == code and words in err, (got, err)

        value = json.loads(body)

        def bent(**changes):
            return json.dumps({**value, **changes}).encode()

        def bent_slot(reference=None, **changes):
            slot = value["slots"][0]
            return bent(slots=[{**slot, **changes, "reference": {**slot["reference"], **(reference or {})}}])
        with_body(body, "mkMac")
        with_body(b"[" * 60000, "JSON")
        with_body(b"\xef\xbb\xbf" + body, "JSON")
        with_body(body[:-1] + b',"keyEpoch":1}', "twice")
        with_body(bent(more=1), "unknown member")
        with_body(bent(keyEpoch=1.0), "integer")
        with_body(bent(keyEpoch=True), "integer")
        with_body(body.replace(b'"keyEpoch": 1', b'"keyEpoch": -1'), "integer")
        with_body(bent(createdAt="2020-01-01T00:00:00Z"), "time")
        with_body(bent(slots=value["slots"] * 33), "array")
        with_body(bent_slot(reference={"N": 1 << 40}), "range")
        with_body(bent_slot(reference={"p": 5}), "range")
        with_body(bent_slot(reference={"extra": 5}), "unknown member")
        with_body(bent_slot(wrapped=b64(bytes(56))), "57 bytes")
        with_body(bent_slot(masterKeyId=value["slots"][0]["masterKeyId"][:-3] + "B=="), "canonical")
        with_body(b" " * 65536, "more than the format allows")
        # what the page bounds, and what it just allows: that only fails at the code, which is zeros here
        with_body(bent(**{"x-deep": json.loads("[" * 8 + "]" * 8)}), "deeper than 8")
        with_body(bent(**{"x-deep": json.loads("[" * 7 + "]" * 7)}), "mkMac")
        with_body(bent(createdAt=None), "time")
        with_body(bent_slot(createdAt=None), "time")
        with_body(bent(createdAt="2023-02-29T00:00:00.000Z"), "time")
        with_body(bent(createdAt="2020-01-01T00:00:60.000Z"), "time")
        with_body(bent(createdAt="0000-02-29T23:59:59.999Z"), "mkMac")
        with_body(bent(keyEpoch=1 << 32), "must be 1 to 4294967295")
        with_body(bent_slot(keyEpoch=1 << 32), "must be 1 to 4294967295")
        for kind, reference, many in (("awsKms", {"keyArn": "a" * 2048, "region": "r"}, ("keyArn", "region")),
                                      ("vaultTransit", {"address": "a", "namespace": None, "mount": "m", "key": "k", "version": 1},
                                       ("address", "namespace", "mount", "key"))):
            def network(reference=reference, wrapped=b64(bytes(6144)), kind=kind):
                return bent(slots=[{**value["slots"][0], "kind": kind, "reference": reference, "wrapped": wrapped}])
            with_body(network(), "mkMac")
            with_body(network(wrapped=b64(bytes(6145))), "1 to 6144 bytes")
            with_body(network(wrapped=""), "1 to 6144 bytes")
            for member in many:
                with_body(network({**reference, member: ""}), "1 to 2048 characters")
                with_body(network({**reference, member: "a" * 2049}), "1 to 2048 characters")
                with_body(network({**reference, member: "\U0001f600" * 1025}), "1 to 2048 characters")
            if "version" in reference:
                with_body(network({**reference, "version": 0}), "1 or more")
        # a slot of a kind of later versions is skipped; a keyring without our keyEpoch is not forged
        with_body(bent(keyEpoch=7, slots=[{"kind": "teleport", "what": [1]}]), "", 0)
        assert box.verify(w)[0] == 0


@test
def junk_keyrings_do_not_end_the_search():
    with Box() as box:
        w = small(box)
        w.point(("folder", Folder({b"f": File(b"x")})))
        slot = w.slot()
        for i in range(2):
            junk = {**slot, "reference": {**slot["reference"], "salt": b64(hashlib.sha256(b"%d" % i).digest())}}
            w.keyring(slots=[junk])
        code, points, err = box.run("list")
        assert len(points) == 1 and code == 0, err
        # a slot that opens in a keyring that is not authentic: its key is used, and an alert says so
        path = w.keyring()
        for name in os.listdir(os.path.dirname(path)):
            full = os.path.join(os.path.dirname(path), name)
            data = open(full, "rb").read()
            with open(full, "wb") as f:
                f.write(data[:-40] + bytes(8) + data[-32:])
        code, points, err = box.run("list")
        assert len(points) == 1 and code == 5 and "mkMac" in err, err


@test
def slots_of_key_services_are_named_and_never_asked():
    with Box() as box:
        w = box.writer()
        slot = w.slot()
        w.keyring(slots=[{**slot, "kind": "awsKms", "reference": {"keyArn": "arn:aws:kms:x", "region": "r"}},
                         {**slot, "kind": "vaultTransit", "reference": {"address": "https://vault.invalid", "namespace": None,
                                                                        "mount": "transit", "key": "k", "version": 1}}])
        code, _, err = box.run("list")
        assert code != 0 and "no slot of a passphrase, only of awsKms, vaultTransit" in err, err
        w.point(("folder", Folder({b"f": File(b"x")})))
        w.keyring(slots=[{**slot, "kind": "awsKms", "reference": {"keyArn": "arn:aws:kms:x", "region": "r"}}, w.slot()])
        code, points, err = box.run("list")
        assert len(points) == 1 and code == 0, err


OTHER_SALT = hashlib.sha256(b"another salt of the tests").digest()


def new_key(w, epoch):
    w.mk, w.epoch, w.known = os.urandom(32), epoch, {}
    w.master = w.kdf(w.mk, b"master-key-id", b"", 16)


@test
def codes_of_keyrings_without_an_own_slot():
    """mkMac is checked with every key held, wherever it came from."""
    def one(code, words, head_bend=None, bend=lambda d: d, heads=None, sequence=None, **kw):
        with Box() as box:
            w = small(box)
            w.point(("folder", Folder({b"f": File(b"x")})))
            slot = w.slot(b"another passphrase of somebody else", keyEpoch=3, masterKeyId=b64(bytes(16)))
            if sequence:
                w.n_keyrings = sequence - 1
            path = w.keyring(slots=[slot], head_bend=head_bend, heads=heads, **kw)
            data = open(path, "rb").read()
            with open(path, "wb") as f:
                f.write(bend(data))
            got, report, _ = box.verify(w)
            assert got == code and words in json.dumps(report), report
    one(0, '"notes": {}')
    one(5, "mkMac", bend=lambda d: d[:-64] + bytes(64))
    one(5, "mkMac", head_bend=lambda h: h[:40] + bytes(16) + h[56:])
    one(0, "not checked", keyEpoch=2)
    one(5, "found with another SHA-256", heads={"policies": {}, "keyring": {"sequence": 1, "sha256": b64(bytes(32))}, "term": None})
    one(5, "keyring: sequence 9007199254740992 is out of range", sequence=1 << 53)
    with Box() as box:  # a key that is unwrapped late, when an object asks for it
        w = small(box)
        w.point(("folder", Folder({b"f": File(b"old key")})))
        old_slot = w.slot()
        new_key(w, 2)
        w.scrypt_salt, w.packs = OTHER_SALT, []
        path = w.keyring(slots=[old_slot, w.slot()])
        w.point(("folder", Folder({b"f": File(b"new key")})))
        code, report, _ = box.verify(w)
        assert code == 0 and not report["notes"], report
        data = open(path, "rb").read()
        with open(path, "wb") as f:
            f.write(data[:-64] + bytes(64))
        code, report, _ = box.verify(w)
        assert code == 5 and "mkMac" in json.dumps(report), report
        assert box.run("list")[0] == 5


@test
def two_master_keys_of_one_epoch():
    with Box() as box:
        w = small(box)
        trees = [Folder({b"f": File(b"first key")}), Folder({b"f": File(b"second key")})]
        w.point(("folder", trees[0]))
        slots = [w.slot()]
        new_key(w, 1)
        w.keyring(slots=[*slots, w.slot()])
        w.point(("folder", trees[1]))
        for i in (0, 1):  # without the names in the headers of the packs only the tags tell which key is right
            path = w.packs[i]["path"]
            data = open(path, "rb").read()
            with open(path, "wb") as f:
                f.write(data[:40] + bytes(16) + data[56:])
        for i in (0, 1):
            code, report, out = box.restore(w, "--sequence", str(i + 1))
            assert code == 5 and len(report["problems"]) == 1 and "header damaged" in report["problems"][0]["what"], report
            compare(out, trees[i])


# ---------------------------------------------------------------- damage

def objects(root):
    for folder, _, files in os.walk(root):
        for f in sorted(files):
            if f != "holdfast-store":
                yield os.path.join(folder, f)


def two_points(box):
    w = small(box)
    w.point(("folder", Folder({b"f": File(b"one"), b"big": File(noise(400_000))})))
    tree = Folder({b"f": File(b"two"), b"g": File(b"kept"), b"list": File(noise(7000, 3), cut=100)})
    w.point(("folder", tree))
    w.keyring()
    return w, tree


def verify_both(box, w):
    """The newest restore point; and the first, where the newest is whole."""
    got = box.verify(w)
    return got if got[0] else box.verify(w, "--sequence", "1")


@test
def flipped_bytes():
    with Box() as box:
        w, tree = two_points(box)
        assert box.verify(w)[0] == 0
        rng = random.Random(5)
        for path in objects(w.location):
            data = open(path, "rb").read()
            size = len(data)
            spots = set(range(0, min(size, 192), 5)) | {size - 1, size - 40, 191} | {rng.randrange(size) for _ in range(12)}
            for at in sorted(s for s in spots if 0 <= s < size):
                with open(path, "wb") as f:
                    f.write(data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1:])
                code, report, err = verify_both(box, w)
                # a keyring that now claims a keyEpoch without a slot is "not checked", and said to be
                unchecked = code == 0 and "/keyring/" in path and any("not checked" in n for n in report["notes"])
                assert unchecked or code == 4 or (code == 5 and report["problems"]), f"{path} at {at}: {code} {report}"
            with open(path, "wb") as f:
                f.write(data)
        assert box.verify(w)[0] == 0


@test
def restore_never_gives_wrong_bytes():
    with Box() as box:
        w, tree = two_points(box)
        rng = random.Random(6)
        for path in objects(w.location):
            data = open(path, "rb").read()
            for _ in range(6):
                at = rng.randrange(len(data)) if rng.random() < .5 else rng.randrange(min(len(data), 9000))
                with open(path, "wb") as f:
                    f.write(data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1:])
                code, report, out = box.restore(w)
                if report and os.path.isdir(out) and report["sequence"] == 2:
                    for name in os.listdir(out):
                        compare(os.path.join(out, name), tree[os.fsencode(name)], name)
                    assert code == 5 or sorted(map(os.fsencode, os.listdir(out))) == sorted(tree)
            with open(path, "wb") as f:
                f.write(data)


@test
def truncated_extended_and_swapped():
    with Box() as box:
        w, _ = two_points(box)
        files = list(objects(w.location))
        for path in files:
            data = open(path, "rb").read()
            for new in (b"", data[:100], data[:192], data[:-1], data[:-16], data[:len(data) // 2], data + b"\0", data + data):
                with open(path, "wb") as f:
                    f.write(new)
                assert verify_both(box, w)[0] in (4, 5), (path, len(new))
                assert box.restore(w)[0] in (0, 4, 5)
            with open(path, "wb") as f:
                f.write(data)
            for other in files:
                if other != path:
                    with open(path, "wb") as f:
                        f.write(open(other, "rb").read())
                    assert verify_both(box, w)[0] in (4, 5), (path, other)
            with open(path, "wb") as f:
                f.write(data)


@test
def removed():
    with Box() as box:
        w, _ = two_points(box)
        for path in objects(w.location):
            os.rename(path, path + ".away")
            os.rename(path + ".away", os.path.join(os.path.dirname(path), ".tmp-x"))
            code, report, _ = box.verify(w)
            newest = w.written[-1]["path"] == path
            if "/keyring/" in path or "restore-points" in path:
                assert code == (5 if newest else 0), (path, report)
            elif path == w.packs[0]["path"] or path.split("-")[-2].endswith("1"):
                assert code == 0 or "indexes" in path, (path, report)
            else:
                assert code == 5, (path, report)
            os.rename(os.path.join(os.path.dirname(path), ".tmp-x"), path)


@test
def header_rules():
    """Authentic objects whose header says something else than the name, or is of a later version."""
    rules = [(8, u16(2), "version 2"), (10, u16(2), "suite 2"), (12, u16(2), "header says index"), (14, u16(200), "header length"),
             (16, u32(4), "features 0x4"), (20, u32(0), "keyGeneration"), (24, bytes(16), "another installation"),
             (40, bytes(16), "master key"), (56, bytes(16), "another policy"), (72, bytes(16), "objectId"), (88, u64(7), "sequence"),
             (112, b"\1" * 16, "reserved")]
    for at, new, words in rules:
        with Box() as box:
            w = small(box)
            w.point(("folder", Folder({b"f": File(b"x")})))
            plain = w.header
            w.header = lambda kind, *a, **k: bend(plain(kind, *a, **k)) if kind == 3 else plain(kind, *a, **k)

            def bend(h):
                return h[:at] + new + h[at + len(new):]
            w.point(("folder", Folder({b"f": File(b"y")})))
            code, points, err = box.run("list")
            assert code == 5 and words in err and len(points) == 1, (words, err)


# ---------------------------------------------------------------- authentic, but against the rules

@test
def manifest_rules():
    def one(words, bend=None, **kw):
        with Box() as box:
            w = small(box)
            w.point(("folder", Folder({b"f": File(b"x")})))
            if bend:
                w.bend.update(bend)
            w.point(("folder", Folder({b"f": File(b"y")})), **kw)
            code, points, err = box.run("list")
            assert code == 5 and words in err, (words, code, err)
    one("ownerTag", {"owner": True})
    one("unknown member 'more'", more=1)
    one("'params' is missing", params=...)
    one("unknown member", claimed={"started": None, "finished": Writer.now(), "storeTime": None, "x": 1})
    one("another sequence", sequence=3)
    one("another policyId", policyId=str(uuid.uuid4()))
    one("another keyGeneration", keyGeneration=2)
    one("is not known", formatVersion=2)
    one("is not known", formatVersion=True)
    one("`previous` is null", previous=None)
    one("not the restore point of the sequence before", previous=b64(bytes(32)))
    one("base64", previous="####")
    one("time", claimed={"started": None, "finished": None, "storeTime": None})
    one("time in its name", claimed={"started": None, "finished": "2020-01-01T00:00:00.000Z", "storeTime": None})
    one("occurs twice", content=lambda t: t[:-1] + b',"sequence":2}')
    one("not JSON", content=lambda t: t[:-1] + b',"x-a":NaN}')
    one("JSON", content=lambda t: t + b"\0")
    one("another SHA-256", heads={"policies": {}, "keyring": {"sequence": 1, "sha256": b64(bytes(32))}, "term": None})
    head = {"sequence": "9007199254740993", "sha256": b64(bytes(32))}
    one("integer", heads={"policies": {}, "keyring": head, "term": None})
    one("must be 257", live={"id": b64(bytes(32)), "count": 256})
    for bad in (None, "", "x", "//", 1):
        one("separator", sources=[{"id": str(uuid.uuid4()), "kind": "folder", "label": "", "nameEncoding": "bytes", "separator": bad,
                                   "root": b64(bytes(32))}])
    one("separator of a command", sources=[{"id": str(uuid.uuid4()), "kind": "command", "label": "", "nameEncoding": "bytes",
                                            "separator": "\\", "root": b64(bytes(32))}])
    one("UUID", sources=[{"id": "../..", "kind": "folder", "label": "", "nameEncoding": "bytes", "separator": "/", "root": b64(bytes(32))}])
    one("array", sources=None)
    with Box() as box:
        w = small(box)
        w.point(("folder", Folder({b"f": File(b"x")})))
        pin = w.index(w.packs)
        for words, change in (("grammar", {"key": "../../etc/passwd"}), ("another installation", {"key": str(uuid.uuid4()) + pin["key"][36:]}),
                              ("objectId", {"objectId": b64(bytes(16))}), ("length", {"length": 5}), ("salt", {"salt": b64(bytes(32))}),
                              ("SHA-256", {"sha256": b64(bytes(32))})):
            w.manifest([(w.source_id, "folder", w.root(Folder({b"f": File(b"x")})))], [{**pin, **change}])
            refused(box, w, words)
        w.manifest([(w.source_id, "folder", w.root(Folder({b"f": File(b"x")})))], [pin],
                   live=[{"sequence": 1, "objectId": w.written[0]["objectId"], "versionId": None, "sha256": b64(bytes(32))}])
        refused(box, w, "not the one listed as live")
        w.n_points -= 1
        w.manifest([(w.source_id, "folder", w.root(Folder({b"f": File(b"x")})))], [pin])
        code, _, err = box.verify(w)
        assert code == 4 and "fork" in err, err
        object_id = tw.base64.b64decode(w.written[-1]["objectId"]).hex()
        code, report, _ = box.verify(w, "--object", object_id)
        assert code == 5 and report["objectId"] == object_id and "fork" in json.dumps(report)


@test
def heads_count_authentic_objects_only():
    """A head that is not found is a note where a newer authentic object is there, and a finding else."""
    def one(code, words, other):
        with Box() as box:
            w = small(box)
            w.point(("folder", Folder({b"f": File(b"x")})))
            w.point(("folder", Folder({b"f": File(b"y")})))
            w.keyring(slots=[w.slot()])  # names restore point 2
            lost = w.written.pop()
            if other == "authentic":
                w.point(("folder", Folder({b"f": File(b"z")})), previous=lost["sha256"])
            elif other:
                name = os.path.basename(lost["path"]).replace("0000000000000002", "0000000000000009")
                w.put(f"policies/{w.policy_id}/restore-points/{name}", open(lost["path"], "rb").read())
            os.unlink(lost["path"])
            got, report, _ = box.verify(w)
            assert got == code and words in json.dumps(report["notes"] if code == 0 else report["problems"]), report
    one(5, "restore-points 2: not found, and nothing newer", None)
    one(5, "restore-points 2: not found, and nothing newer", "junk with a newer name")
    one(0, "restore-points 2: named by a keyring, not found; newer ones are", "authentic")


@test
def nothing_is_wrong():
    """What is gone is noted once, however many name it; a policy that was elsewhere, and a head of a term, are no faults."""
    with Box() as box:
        w = small(box)
        lost = []
        for _ in range(3):
            w.point(("folder", Folder({b"f": File(b"x")})))
            for _ in range(4):
                w.keyring(slots=[w.slot()])
            lost.append(w.written.pop())
        w.point(("folder", Folder({b"f": File(b"z")})), previous=lost[-1]["sha256"])
        for one in lost:
            os.unlink(one["path"])
        code, report, _ = box.verify(w)
        assert code == 0 and sum("named by a keyring" in n for n in report["notes"]) == 3, report
        assert len(report["notes"]) <= 5 and not any(c > 3 for c in report["notes"].values()), report
    with Box() as box:  # the first one here has points before it that lie elsewhere
        w = small(box)
        elsewhere = {"sequence": 6, "objectId": b64(bytes(16)), "versionId": None, "sha256": b64(bytes(32))}
        w.n_points = 6
        heads = {"policies": {}, "keyring": None, "term": {"sequence": 1, "sha256": b64(bytes(32))}}
        w.point(("folder", Folder({b"f": File(b"x")})), previous=b64(bytes(32)), live=[elsewhere], heads=heads)
        code, report, _ = box.verify(w)
        assert code == 0 and report["notes"] == {"restore points listed as live then, not here now": 1}, report


@test
def json_rules():
    def free(words, value, name=b"statistics"):
        with Box() as box:
            w = small(box)
            w.point(("folder", Folder({b"f": File(b"x")})), statistics=...,
                    content=lambda t: t[:-1] + b',"' + name + b'":' + value + b"}")
            code, points, err = box.run("list")
            assert (code == 5 and words in err) if words else (code == 0 and len(points) == 1), (value, code, err)
    for words, value in (
            ("__proto__", b'{"__proto__":1}'), ("__proto__", b'[{"a":{"__pr\\u006fto__":1}}]'), ("occurs twice", b'{"a":1,"\\u0061":1}'),
            ("surrogate", b'"\\ud800"'), ("surrogate", b'{"\\uDC00 ":1}'), ("surrogate", b'"\\udc00\\ud800"'),
            ("1.0", b"1.0"), ("1e3", b"1e3"), ("-0", b"[-0]"), ("-0.0", b"-0.0"), ("1.5e1", b"1.5e1"), ("1e400", b"1e400"), ("1e-400", b"1e-400"),
            ("9007199254740992", b"9007199254740992"), ("-9007199254740992", b"-9007199254740992"), ("1" * 40, b"1" * 5000),
            ("deeper than 64", b"[" * 64 + b"]" * 64), ("deeper than 64", b'"a\\"",' + b'"x-b":' + b'{"a":' * 64 + b"1" + b"}" * 64),
            ("JSON", b'"\xff"'), ("JSON", b"[" * 200000)):
        free(words, value)
    free("__proto__", b"1", b"__proto__")
    free("__proto__", b'{"__proto__":1}', b"x-skipped")
    free("", b"[" * 63 + b"]" * 63)
    free("", b'[-1, 0, 1.5, -2.5e-3, 9007199254740991, -9007199254740991, "18446744073709551615", "\\ud83d\\ude00", "\\\\ud800", "'
         + b"[{" * 99 + b'\\""]')
    with Box() as box:
        w = small(box)
        w.point(("folder", Folder({b"f": File(b"x")})))
        most, holdfast_reader.MAX_JSON = getattr(holdfast_reader, "MAX_JSON", None), 500
        try:
            code, _, err = box.run("list")
            assert code == 5 and "longer than 64 MiB" in err, (code, err)
        finally:
            holdfast_reader.MAX_JSON = most
    assert most == 64 << 20


@test
def another_store():
    with Box() as box:
        w = small(box)
        w.point(("folder", Folder({b"f": File(b"x")})))
        w.store = os.urandom(16)
        root = w.root(Folder({b"f": File(b"x")}))
        pin = w.index(w.packs)
        w.manifest([(w.source_id, "folder", root)], [pin])
        code, report, _ = box.verify(w)
        assert code == 5 and "storeId" in json.dumps(report), report
        assert box.restore(w)[0] == 5


@test
def index_rules():
    def one(words, bend=None, **kw):
        with Box() as box:
            w = small(box)
            w.bend.update(bend or {})
            root = w.root(Folder({b"f": File(b"x"), b"g": File(b"y")}))
            w.pack()
            w.manifest([(w.source_id, "folder", root)], [w.index(w.packs, **kw)])
            refused(box, w, words)

    def put(at, new):
        return {"index": lambda c: c[:at] + new + c[at + len(new):]}
    one("ascending", {"index_order": True})
    one("padding", junk=True)
    one("UTF-8", version=b"\xff")
    one("no index content", put(0, b"X"))
    one("counts", put(8, u32(2)))
    one("counts", put(16, u32(1 << 20)))
    one("too many", put(16, u32((1 << 20) + 1)))
    one("reserved", put(27, b"\1"))
    one("bad prefix", put(32, u64(1)))
    one("outside its prefix", put(24, b"\x20"))
    one("bad prefix", put(24, b"\x41"))
    one("beyond the strings", put(40 + 100, u32(9)))
    one("impossible", put(40 + 56, u64(192 + 131088 + 16)))
    # rows and locators, whether anything needs them or not: block 0 is raw, block 1 is zstd
    for at, new in ((0, u32(7)), (4, u32(1 << 30)), (4, u32((1 << 32) - 1)), (8, u32(0)), (8, u32(20)), (12, u32(0)), (12, u32(1 << 30)),
                    (12, u32(3)), (16, b"\2"), (17, b"\0"), (17, b"\4"), (18, b"\1"), (20 + 8, u32(1 << 17)), (20 + 12, u32((8 << 20) + 1))):
        one("bad block row", put(144 + at, new))
    one("", put(144 + 17, b"\2"))

    def locator(at, new):
        def bend(c):
            packs, blocks, chunks = tw.struct.unpack_from("<III", c, 8)
            spot = 40 + 104 * packs + 20 * blocks + 32 * chunks + at
            return c[:spot] + new + c[spot + len(new):]
        return {"index": bend}
    one("names no block", locator(0, u32(9)))
    one("beyond its block", locator(4, u32(1 << 20)))
    one("beyond its block", locator(8, u32(0)))
    one("beyond its block", locator(8, u32(1 << 20)))
    with Box() as box:
        w = small(box)
        w.n_indexes = (1 << 53) - 1
        w.point(("folder", Folder({b"f": File(b"x")})))
        refused(box, w, "index: sequence 9007199254740992 is out of range")


@test
def prefixes():
    with Box() as box:
        w = small(box)
        tree = Folder({b"%d" % i: File(b"%d" % i) for i in range(9)})
        root = w.root(tree)
        w.pack()
        pins, rows = [], w.packs[0]["rows"]
        for half in (0, 1):
            w.bend["index"] = lambda c, half=half: c[:24] + b"\1" + c[25:32] + u64(half << 63) + c[40:]
            part = [(row, [m for m in members if m[0][0] >> 7 == half]) for row, members in rows]
            pins.append(w.index([{**w.packs[0], "rows": part}]))
        w.manifest([(w.source_id, "folder", root)], pins)
        code, report, out = box.restore(w)
        assert code == 0 and box.verify(w)[0] == 0, report
        compare(out, tree)
        w.manifest([(w.source_id, "folder", root)], pins[:1])
        refused(box, w, "in no p")


@test
def block_rules():
    def one(words, block, codec=1):
        with Box() as box:
            w = small(box)
            w.bend.update(block=lambda *b: block(*b) if b[3] == 1 else b, codec=codec)
            w.point(("folder", Folder({b"f": File(b"x" * 5000), b"empty": File(b"")})))
            refused(box, w, words)
            assert os.listdir(box.restore(w)[2]) == ["empty"]

    def z(data, **kw):
        c = zstandard.ZstdCompressor(compression_params=zstandard.ZstdCompressionParameters(**kw)).compressobj()
        return c.compress(data) + c.flush()
    raw = b"x" * 5000
    one("zstd window", lambda s, n, c, k, r: (z(raw, window_log=24), n, c, k, r))
    one("longer than", lambda s, n, c, k, r: (z(bytes(200 << 20)), n, c, k, r))
    one("shorter than", lambda s, n, c, k, r: (z(raw[:4999]), n, c, k, r))
    one("zstd frame", lambda s, n, c, k, r: (s + b"\0", n, c, k, r))
    one("zstd frame", lambda s, n, c, k, r: (s + s, n, c, k, r))
    one("zstd frame", lambda s, n, c, k, r: (s[:-1], n, c, k, r))
    one("not a zstd frame", lambda s, n, c, k, r: (b"\x50\x2a\x4d\x18\x01\0\0\0a" + s, n, c, k, r))
    one("dictionary id", lambda s, n, c, k, r: ((lambda f: f[:4] + bytes([f[4] | 1]) + f[5:6] + b"\0" + f[6:])(z(raw)), n, c, k, r))
    one("reserved bit", lambda s, n, c, k, r: ((lambda f: f[:4] + bytes([f[4] | 8]) + f[5:])(z(raw)), n, c, k, r))
    one("content size", lambda s, n, c, k, r: (zstandard.compress(raw[:4999]), n, c, k, r))
    one("another id", lambda s, n, c, k, r: (s, n, c, k, [(i, o, m - 1) for i, o, m in r]), codec=0)
    one("another id", lambda s, n, c, k, r: (b"y" + s[1:], n, c, k, r), codec=0)
    one("", lambda s, n, c, k, r: (s, n, c, 3, r), codec=0)


@test
def pack_rules():
    with Box() as box:
        w = small(box)
        root = w.root(Folder({b"f": File(b"x")}))
        w.pack(junk=True)
        w.manifest([(w.source_id, "folder", root)], [w.index(w.packs)])
        code, report, _ = box.verify(w)
        assert code == 5 and "padding is not zero" in json.dumps(report), report
    for change in (lambda row: row[:2] + (row[2] + 1,) + row[3:], lambda row: (row[0] + 1,) + row[1:]):
        with Box() as box:
            w = small(box)
            w.bend["codec"] = 1
            root = w.root(Folder({b"f": File(b"x")}))
            w.pack()
            w.packs[0]["rows"] = [(change(row), m) for row, m in w.packs[0]["rows"]]
            w.manifest([(w.source_id, "folder", root)], [w.index(w.packs)])
            code, report, _ = box.verify(w)
            assert code == 5 and "records it differently" in json.dumps(report), report
    for words, field, new in (("SHA-256", "sha256", bytes(32)), ("salt", "salt", bytes(32)), ("length", "length", 65536 * 2),
                              ("keyGeneration", "generation", 2), ("keyEpoch", "epoch", 2)):
        with Box() as box:
            w = small(box)
            root = w.root(Folder({b"f": File(b"x")}))
            good = w.index([w.pack()])
            bad = w.index([{**w.packs[0], field: new}])
            w.manifest([(w.source_id, "folder", root)], [bad])
            code, report, _ = box.verify(w)
            assert code == 5 and f"records another {words}" in json.dumps(report), report
            # another index that is right makes up for it: only the wrong record is named
            w.manifest([(w.source_id, "folder", root)], [bad, good])
            code, report, _ = box.verify(w)
            assert code == 5 and len(report["problems"]) == 1 and words in json.dumps(report["problems"]), report
            code, report, out = box.restore(w)
            assert code == 0 and os.listdir(out) == ["f"], report
            assert field == "sha256" or any("read from another place" in n for n in report["notes"]), report


@test
def directory_rules():
    """A bad row refuses the whole directory; ranges that an index records can still be read."""
    def one(words, at=None, new=b"", extra=()):
        with Box() as box:
            w = small(box)
            w.bend["codec"] = 1
            if at is not None:
                w.bend["directory"] = lambda d: d[:at] + new + d[at + len(new):]
            tree = Folder({b"f": File(b"x" * 500)})
            root = w.root(tree)
            pack = w.pack([*w.blocks(), *extra])
            w.manifest([(w.source_id, "folder", root)], [w.index([{**pack, "rows": [r for r in pack["rows"] if r[1]]}])])
            code, report, _ = box.verify(w)
            assert (code, words) == (0, None) or code == 5 and words in json.dumps(report), report
            code, report, out = box.restore(w)
            assert code == 0, report
            compare(out, tree)
    one(None)
    one("pack: a bad row", extra=[(b"zz", 2, 0, 1, [])])
    for at, new in ((4, u32(0)), (8, u32(0)), (8, u32((8 << 20) + 1)), (12, b"\2"), (12, b"\0"), (13, b"\0"), (13, b"\4")):
        one("pack: " + ("blocks are not back" if at == 4 else "a bad row"), at, new)
    for at, new in ((16 + 32, u32(501)), (16 + 36, u32(0)), (16 + 36, u32(501)), (16 + 36, u32(1 << 31))):
        one("pack: a bad chunk", at, new)


@test
def entry_rules():
    good = tlv(0x81, u64(0))

    def f(w, *tlvs, data=b"abc", size=None, cut=None, kind=1, mode=0o644, name=b"bad"):
        return entry(name, kind, mode, *(w.data_tlvs(File(data, size=size, cut=cut)) + list(tlvs)))
    for name in (b"", b".", b"..", b"a/b", b"/etc", b"a\0b"):
        in_tree("forbidden name", [(name, entry(name, 1, 0o644, good))])
    for words, e in (
            ("kind 9", entry(b"bad", 9, 0)), ("kind 0", entry(b"bad", 0, 0)), ("mode", entry(b"bad", 1, 0o100644, good)),
            ("without its size", entry(b"bad", 1, 0o644)), ("without its tree", entry(b"bad", 2, 0o755)),
            ("without its target", entry(b"bad", 3, 0o777)), ("8a is unknown", entry(b"bad", 1, 0o644, good, tlv(0x8A, b""))),
            ("not of this kind", entry(b"bad", 1, 0o644, good, tlv(0x85, bytes(32)))),
            ("not of this kind", entry(b"bad", 3, 0o777, tlv(0x81, u64(0)), tlv(0x84, b"x"))),
            ("wrong length", entry(b"bad", 1, 0o644, tlv(1, bytes(11)), good)), ("wrong length", entry(b"bad", 1, 0o644, tlv(8, b"x"), good)),
            ("nanoseconds", entry(b"bad", 1, 0o644, tlv(1, bytes(8) + u32(10**9)), good)),
            ("out of order", entry(b"bad", 1, 0o644, good, good)), ("out of order", entry(b"bad", 1, 0o644, good, tlv(3, bytes(8)))),
            ("out of order", entry(b"bad", 1, 0o644, tlv(5, u16(1) + b"b"), tlv(5, u16(1) + b"a"), good)),
            ("of one name", entry(b"bad", 1, 0o644, tlv(5, u16(1) + b"aa"), tlv(5, u16(1) + b"ab"), good)),
            ("of one name", entry(b"bad", 1, 0o644, tlv(7, b"\1a"), tlv(7, b"\1b"), good)),
            ("of one name", entry(b"bad", 1, 0o644, tlv(7, b"\x09a"), tlv(7, b"\x09b"), good)),
            ("not of this kind", entry(b"bad", 8, 0o644, good, tlv(0x86, u64(1)))),
            ("not of this kind", entry(b"bad", 8, 0o644, good, tlv(0x89, u16(1) + b"s" + u64(0) + b"\0"))),
            ("tag 00", entry(b"bad", 1, 0o644, tlv(0, b""), good)),
            ("more chunks than bytes", entry(b"bad", 1, 0o644, tlv(0x81, u64(1)), tlv(0x82, bytes(64)))),
            ("more chunks than bytes", entry(b"bad", 1, 0o644, tlv(0x81, u64(64)), tlv(0x83, bytes(32) + b"\0" + u64(65)))),
            ("more chunks than bytes", entry(b"bad", 1, 0o644, tlv(0x81, u64(99)), tlv(0x82, bytes(96)), tlv(0x88, u64(0) + u64(2)))),
            ("more chunks than bytes", entry(b"bad", 1, 0o644, good, tlv(0x89, u16(1) + b"s" + u64(1) + b"\0" + bytes(64)))),
            ("more chunks than bytes", entry(b"bad", 2, 0o755, tlv(0x85, bytes(32)),
                                             tlv(0x89, u16(1) + b"s" + u64(64) + b"\1" + bytes(32) + b"\0" + u64(65)))),
            ("link target", entry(b"bad", 3, 0o777, tlv(0x84, b""))), ("link target", entry(b"bad", 3, 0o777, tlv(0x84, b"a\0b"))),
            ("cut short", entry(b"bad", 1, 0o644, b"\x81\x08\0\0")), ("cut short", entry(b"bad", 1, 0o644, tlv(5, u16(9) + b"a"), good)),
            ("owner names", entry(b"bad", 1, 0o644, tlv(4, b"root"), good)), ("size out", entry(b"bad", 1, 0o644, tlv(0x81, u64(1 << 63)))),
            ("data without", entry(b"bad", 1, 0o644, tlv(0x81, u64(1)))),
            ("without data", entry(b"bad", 1, 0o644, good, tlv(0x82, bytes(32)))),
            ("at once", entry(b"bad", 1, 0o644, tlv(0x81, u64(1)), tlv(0x82, bytes(32)), tlv(0x83, bytes(32) + b"\0" + u64(65)))),
            ("bad list", entry(b"bad", 1, 0o644, tlv(0x81, u64(1)), tlv(0x82, bytes(33)))),
            ("bad list", entry(b"bad", 1, 0o644, tlv(0x81, u64(1)), tlv(0x82, bytes(65 * 32)))),
            ("bad list", entry(b"bad", 1, 0o644, tlv(0x81, u64(1)), tlv(0x83, bytes(32) + b"\0" + u64(64)))),
            ("bad list", entry(b"bad", 1, 0o644, tlv(0x81, u64(1)), tlv(0x83, bytes(32) + b"\5" + u64(65)))),
            ("bad extents", entry(b"bad", 1, 0o644, tlv(0x81, u64(9)), tlv(0x88, u64(8) + u64(2)))),
            ("bad extents", entry(b"bad", 1, 0o644, tlv(0x81, u64(9)), tlv(0x88, u64(8) + u64(0)))),
            ("bad extents", entry(b"bad", 1, 0o644, tlv(0x81, u64(9)), tlv(0x88, u64(3) + u64(2) + u64(4) + u64(2)))),
            ("bad extents", entry(b"bad", 1, 0o644, tlv(0x81, u64(9)), tlv(0x88, u64(1) + u64((1 << 64) - 1)))),
            ("tag 88", entry(b"bad", 1, 0o644, tlv(0x81, u64(9)), tlv(0x88, bytes(8)))),
            ("chunk 0000000000000000", entry(b"bad", 1, 0o644, tlv(0x81, u64(1)), tlv(0x82, bytes(32)))),
            ("more data", lambda w: f(w, size=2)), ("less data", lambda w: f(w, size=4)),
            ("more data", lambda w: f(w, data=bytes(700), cut=7, size=699)),
            ("further stream", lambda w: f(w, tlv(0x89, u16(1) + b"s" + u64(0) + b"\2")))):
        in_tree(words, [(b"bad", e)])


@test
def list_rules():
    def one(words, build, count=100):
        def e(w):
            ids = [(w.chunk(1, bytes([i]) * 7), 7) for i in range(100)]
            top, level = build(w, ids)
            return entry(b"bad", 1, 0o644, tlv(0x81, u64(700)), tlv(0x83, top + bytes([level]) + u64(count)))
        in_tree(words, [(b"bad", e)])

    def leaf(ids):
        return b"".join(i + u32(n) for i, n in ids)
    one("more chunks", lambda w, ids: w.list_of(ids), 99)
    one("fewer chunks", lambda w, ids: w.list_of(ids), 101)
    one("another level", lambda w, ids: (w.list_of(ids)[0], 2))
    one("another length", lambda w, ids: w.list_of([(i, n + (k == 50)) for k, (i, n) in enumerate(ids)]))
    one("less than two children", lambda w, ids: (w.chunk(3, tw.list_node(1, 1, w.chunk(3, tw.list_node(0, 100, leaf(ids))))), 1))
    one("length out of range", lambda w, ids: w.list_of([(i, n * (k != 50)) for k, (i, n) in enumerate(ids)]))
    one("length out of range", lambda w, ids: w.list_of([(i, n + (k == 50) * (8 << 20)) for k, (i, n) in enumerate(ids)]))
    one("count", lambda w, ids: (w.chunk(3, tw.list_node(0, 99, leaf(ids))), 0))
    one("no list node", lambda w, ids: (w.chunk(3, b"HFL2" + tw.list_node(0, 100, leaf(ids))[4:]), 0))
    one("is of kind tree", lambda w, ids: (w.chunk(2, tw.list_node(0, 100, leaf(ids))), 0))
    one("count", lambda w, ids: (w.chunk(3, tw.list_node(1, 0, b"")), 1))


@test
def node_rules():
    def one(words, build, kept=()):
        with Box() as box:
            w = small(box)
            e = {n: w.entry(n, File(n)) for n in (b"a", b"b", b"c", b"d")}

            def leaf(*names, level=0):
                return w.chunk(2, node(level, len(names), b"".join(e[n] for n in names)))

            def inner(level, *children):
                return w.chunk(2, node(level, len(children), b"".join(u16(len(n)) + n + i for n, i in children)))
            top = build(w, leaf, inner)
            w.point(("folder", w.chunk(2, node(0, 1, entry(b"root", 2, 0o755, tlv(0x85, top))))))
            if words is None:
                assert box.verify(w)[0] == 0, box.verify(w)
            else:
                refused(box, w, words)
            got = sorted(os.listdir(box.restore(w)[2]))
            assert got == list(kept), got
    everything = ["a", "b", "c", "d"]
    one(None, lambda w, leaf, inner: inner(1, (b"a", leaf(b"a", b"b")), (b"c", leaf(b"c", b"d"))), everything)
    one(None, lambda w, leaf, inner: inner(2, (b"a", inner(1, (b"a", leaf(b"a", b"b")))), (b"c", inner(1, (b"c", leaf(b"c", b"d"))))),
        everything)
    one("ascending", lambda w, leaf, inner: leaf(b"b", b"a"))
    one("ascending", lambda w, leaf, inner: leaf(b"a", b"a"))
    one("ascending", lambda w, leaf, inner: inner(1, (b"c", leaf(b"c", b"d")), (b"a", leaf(b"a", b"b"))))
    one("two children", lambda w, leaf, inner: inner(1, (b"a", leaf(b"a", b"b"))))
    one("its first name", lambda w, leaf, inner: inner(1, (b"a", leaf(b"b")), (b"c", leaf(b"c", b"d"))), ["c", "d"])
    one("its first name", lambda w, leaf, inner: inner(1, (b"a", leaf()), (b"c", leaf(b"c", b"d"))), ["c", "d"])
    one("beyond the next", lambda w, leaf, inner: inner(1, (b"a", leaf(b"a", b"c")), (b"b", leaf(b"b"))), ["b"])
    one("another level", lambda w, leaf, inner: inner(2, (b"a", leaf(b"a")), (b"b", inner(1, (b"b", leaf(b"b", b"c"))))), ["b", "c"])
    one("above 7", lambda w, leaf, inner: inner(8, (b"a", leaf(b"a")), (b"b", leaf(b"b"))))
    one("bytes after", lambda w, leaf, inner: w.chunk(2, node(0, 0, b"x")))
    one("cut short", lambda w, leaf, inner: w.chunk(2, node(0, 5, b"")))
    one("no tree node", lambda w, leaf, inner: w.chunk(2, b"HFT1\0\0\0\1" + u32(0)))
    one("above 1 MiB", lambda w, leaf, inner: w.chunk(2, node(0, 0, bytes(1 << 20))))
    one("another id", lambda w, leaf, inner: w.chunk(2, node(0, 0, b""), right_id=False))
    one("is of kind data", lambda w, leaf, inner: w.chunk(1, node(0, 0, b"")))
    for words, name, what, kind in (("root", b"toor", Folder(), "folder"), ("root", b"root", Folder(), "command"),
                                    ("root", b"root", Link(b"/etc"), "folder"), ("root", b"out", File(b"x", kind=8), "command")):
        with Box() as box:
            w = small(box)
            w.point((kind, w.root(what, name)))
            refused(box, w, words)


@test
def separators_and_groups():
    with Box() as box:
        w = small(box)
        root = w.root(Folder({b"a\\b": File(b"x"), b"good": File(b"y")}))
        w.pack()
        w.manifest([], [w.index(w.packs)], sources=[{"id": w.source_id, "kind": "folder", "label": "C:\\x", "nameEncoding": "wtf-8",
                                                    "separator": "\\", "root": b64(root)}])
        refused(box, w, "separator")
    with Box() as box:
        w = small(box)
        w.point(("folder", Folder({b"a": File(b"x", group=1), b"b": File(b"y", group=1), b"c": File(b"x", group=1)})))
        refused(box, w, "differ in data")
        out = box.restore(w)[2]
        assert [open(os.path.join(out, n)).read() for n in "abc"] == ["x", "y", "x"]
        assert os.stat(os.path.join(out, "a")).st_nlink == 2
    with Box() as box:
        w = small(box)
        w.point(("folder", Folder({b"f": File(b"main", extra=[tlv(0x89, u16(1) + b"s" + u64(0) + b"\0")])})))
        assert box.verify(w)[0] == 0
        code, report, out = box.restore(w)
        assert code == 5 and "further streams" in json.dumps(report) and open(os.path.join(out, "f")).read() == "main"


@test
def depth_and_target():
    with Box() as box:
        w = small(box)
        for levels in (300, 4200):
            tree = w.chunk(2, node(0, 0, b""))
            for _ in range(levels):
                tree = w.chunk(2, node(0, 1, entry(b"d", 2, 0o755, tlv(0x85, tree))))
            w.point(("folder", w.chunk(2, node(0, 1, entry(b"root", 2, 0o755, tlv(0x85, tree))))))
            if levels == 300:
                assert box.verify(w)[0] == 0 and box.restore(w)[0] == 0
            else:
                code, report, _ = box.verify(w)
                assert code == 5 and "deeper than 4096" in json.dumps(report)
        with open(os.path.join(box.path, "out", "mine"), "w") as f:
            f.write("mine")
        code, report, _ = box.restore(w, "--sequence", "1", fresh=False)
        assert code == 4 and report is None
        assert box.restore(w, "--sequence", "9")[0] == 4


@test
def entry_cap_over_all_sources():
    with Box() as box:
        w = small(box)
        w.point(*(("folder", Folder({b"%d" % k: File(b"") for k in range(3)})) for _ in range(2)))
        most = holdfast_reader.MAX_ENTRIES
        try:
            for cap, code in ((6, 0), (5, 5)):
                holdfast_reader.MAX_ENTRIES = cap
                assert box.verify(w)[0] == box.restore(w)[0] == box.run("list")[0] == code
            assert "more entries" in box.run("list")[2] and "more entries" in json.dumps(box.verify(w)[1])
        finally:
            holdfast_reader.MAX_ENTRIES = most


@test
def what_the_system_cannot_take():
    """One entry that cannot be restored as it is never ends the restore."""
    def times(seconds):
        return tlv(1, tw.struct.pack("<qI", seconds, 0))
    far = (1 << 63) - 1
    with Box() as box:
        w = small(box)
        rows = [(b"dir", lambda: entry(b"dir", 2, 0o755, times(far), tlv(0x85, w.folder(Folder())))),
                (b"fifo", lambda: entry(b"fifo", 4, 0o600, times(-far))), (b"file", lambda: entry(b"file", 1, 0o600, times(far), tlv(0x81, u64(0)))),
                (b"huge", lambda: entry(b"huge", 1, 0o600, tlv(0x81, u64(far)), tlv(0x88, b""))),
                (b"link", lambda: entry(b"link", 3, 0o777, times(far), tlv(0x84, b"x"))),
                (b"link2", lambda: entry(b"link2", 3, 0o777, tlv(0x84, b"y" * 5000))),
                (b"zz", lambda: w.entry(b"zz", File(b"good")))]
        tree = w.chunk(2, node(0, len(rows), b"".join(e() for _, e in rows)))
        w.point(("folder", w.chunk(2, node(0, 1, entry(b"root", 2, 0o755, times(far), tlv(0x85, tree))))))
        assert box.verify(w)[0] == 0
        code, report, out = box.restore(w)
        named = json.dumps(report["problems"])
        assert code == 5 and {"dir", "fifo", "file", "link", "zz"} <= set(os.listdir(out)) and "link2" not in os.listdir(out), report
        for name in ("dir", "fifo", "file", "link"):
            assert f"{w.source_id}/{name}\", \"what\": \"time not set" in named, named
        assert "link2" in named and open(os.path.join(out, "zz")).read() == "good"
        # systems differ in what they answer: whatever it is, the rest comes back
        for call in ("utime", "symlink", "mkfifo", "ftruncate"):
            for error in (OverflowError("too large"), ValueError("not here")):
                def bad(name, *a, error=error, **kw):
                    raise error
                real = getattr(os, call)
                try:
                    setattr(os, call, bad)
                    code, report, out = box.restore(w)
                finally:
                    setattr(os, call, real)
                assert code == 5 and str(error) in json.dumps(report["problems"]), (call, report)
                assert call == "ftruncate" or open(os.path.join(out, "zz")).read() == "good", (call, error)


@test
def set_id_bits():
    tree = Folder({b"nobody": File(b"x", 0o4755), b"none": File(b"x", 0o6755, owner=(0xFFFFFFFF, 0xFFFFFFFF)),
                   b"mine": File(b"x", 0o6755, owner=(os.geteuid(), os.getegid())), b"other": File(b"x", 0o2755, owner=(1234, 4321)),
                   b"plain": File(b"x", 0o755), b"attributes": File(b"x", extra=[tlv(2, bytes(12)), tlv(6, u32(1))])})
    tree[b"folder"] = Folder()
    tree[b"folder"].mode = 0o3775
    root, geteuid = os.geteuid() == 0, os.geteuid
    with Box() as box:
        w = small(box)
        w.point(("folder", tree))
        for as_root in (True, False) if root else (False,):
            try:  # without being root: owners are not taken over
                os.geteuid = geteuid if as_root == root else lambda: 1
                code, report, out = box.restore(w)
            finally:
                os.geteuid = geteuid
            modes = {n: stat.S_IMODE(os.stat(os.path.join(out, n)).st_mode) for n in os.listdir(out)}
            assert modes == {"nobody": 0o755, "none": 0o755, "mine": 0o6755, "other": 0o2755 if as_root else 0o755, "plain": 0o755,
                             "folder": 0o1775, "attributes": 0o644}, modes
            assert any("set-id bits" in n for n in report["notes"]), report
            assert report["notes"]["birth times and Windows attributes are not restored"] == 2, report
            assert code == (5 if as_root else 0) and ("owner not set" in json.dumps(report)) == as_root, report


@test
def streams_of_the_root_folder():
    with Box() as box:
        w = small(box)
        tree = Folder({b"f": File(b"x")})
        tree.extra = [tlv(0x89, u16(1) + b"s" + u64(1) + b"\0" + bytes(32))]
        w.point(("folder", tree))
        code, report, _ = box.verify(w)
        assert code == 5 and "(stream s)" in json.dumps(report), report
        code, report, out = box.restore(w)
        assert code == 5 and "further streams" in json.dumps(report) and os.listdir(out) == ["f"], report


# ---------------------------------------------------------------- disaster recovery

DR = "seven-words-that-nobody-else-has-thought-of-ever"
INSTALLATION = uuid.UUID("0f1e2d3c-4b5a-4978-8695-a4b3c2d1e0ff")


def recoverable(box, passphrase=DR):
    """A store with disaster recovery on; of one installation for all tests, so that each scrypt is done once."""
    w = box.writer(installation=INSTALLATION)
    w.recovery(passphrase)
    w.keyring()
    return w


def bundles(box, *more, passphrase=DR, mine=PASSPHRASE, command=("bundles",)):
    """With the passphrase of a passkey too, unless that is None."""
    secret = os.path.join(box.path, "dr")
    with open(secret, "wb") as f:
        f.write(passphrase.encode() + b"\n")
    args = ["--store", os.path.join(box.path, "store"), "--dr-passphrase-file", secret]
    if mine:
        with open(os.path.join(box.path, "passphrase"), "wb") as f:
            f.write(mine.encode())
        args += ["--passphrase-file", os.path.join(box.path, "passphrase")]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = holdfast_reader.main([*args, *command, *more])
    text = out.getvalue()
    return code, json.loads(text) if text else None, err.getvalue()


@test
def bundles_by_two_secrets_and_by_one():
    with Box() as box:
        w = recoverable(box)
        w.point(("folder", Folder({b"f": File(b"x")})))
        w.bundle(b"first " * 50_000, created="2026-01-02T03:04:05.678Z")
        first = w.last_id
        w.bundle(b"delta", created="2026-01-02T04:04:05.000Z", base=b64(first), audit={"sequence": 9, "sha256": b64(bytes(32))})
        code, rows, err = bundles(box)
        assert code == 0 and err == "", err
        assert [(r["bundleId"], r["base"], r["ownerTag"], r["restorePoints"], r["passkeys"]) for r in rows] == [
            (first.hex(), None, "holds", 1, ["passphrase"]), (w.last_id.hex(), first.hex(), "holds", 1, ["passphrase"])], rows
        assert rows[1]["audit"] == {"sequence": 9, "sha256": bytes(32).hex()}
        assert {r["ownerTag"] for r in bundles(box, mine=None)[1]} == {"not checked"}
        target = os.path.join(box.path, "catalog")
        code, row, _ = bundles(box, "--target", target, "--bundle", first.hex(), command=("catalog",), mine=None)
        assert code == 0 and open(target, "rb").read() == b"first " * 50_000 and row["bundleId"] == first.hex()
        assert stat.S_IMODE(os.stat(target).st_mode) == 0o600
        assert bundles(box, "--target", target, command=("catalog",))[0] == 4  # never over what is there
        for wrong, mine in (("another", PASSPHRASE), (DR, "another")):
            code, rows, err = bundles(box, passphrase=wrong, mine=mine)
            assert code == 4 and rows is None and "wrong" in err, err
        assert box.run("list")[0] == 0  # without the DR key all else goes on


@test
def bundles_that_are_damaged_or_of_others():
    with Box() as box:
        w = recoverable(box)
        w.bundle(b"good", created="2026-01-02T03:04:05.678Z")
        good, name = w.last_id, w.bundle_name
        slot = w.slot_json
        cases = [
            ("commitment", dict(key=bytes(32))), ("commitment", dict(head_bend=lambda h: h[:40] + bytes(16) + h[56:], key=bytes(32))),
            ("objectId", dict(head_bend=lambda h: h[:72] + bytes(16) + h[88:])), ("another policy", dict(head_bend=lambda h: h[:56] + bytes(16) + h[72:])),
            ("another DR slot", dict(hashed=b"other")), ("ownerTag", dict(tag=bytes(32))), ("zLen", dict(z_length=5)), ("zLen", dict(after=b"x")),
            ("unknown member", dict(more=1)), ("missing", dict(machineId=...)), ("twice", dict(text=b'{"base":null,"base":null}')),
            ("catalogSha256", dict(catalogSha256=b64(bytes(32)))), ("too large for its frame", dict(catalogLength=1 << 33)),
            ("must be 1 to", dict(catalogLength=0)), ("base is no full bundle", dict(base=b64(bytes(16)))),
            ("time in its name", dict(created="2026-01-02T03:04:05.678Z", name=name("2026-01-02T03:04:06.678Z", b"n" * 16), object_id=b"n" * 16)),
            ("longer than 4 MiB", dict(text=b" " * ((4 << 20) + 1))), ("drMac does not hold", dict(keyring=b64(w.last_keyring[:-1] + b"x"))),
            ("too short for a header", dict(keyring=b64(b"no keyring")))]
        for words, change in cases:
            path = w.bundle(b"bad", **change)
            code, rows, err = bundles(box)
            assert code == 5 and words in err, (words, err)
            used = {good.hex()} | ({w.last_id.hex()} if "keyring" in change else set())
            assert {r["bundleId"] for r in rows} == used, (words, rows)
            os.unlink(path)
        # each byte of the front, and some behind it
        path = w.bundle(b"bad", created="2026-02-02T03:04:05.678Z")
        data = w.last_bundle
        for at in [*range(0, 196 + len(slot) + 20, 7), len(data) - 1]:
            with open(path, "wb") as f:
                f.write(data[:at] + bytes([data[at] ^ 4]) + data[at + 1:])
            code, rows, err = bundles(box)
            assert code == 5 and [r["bundleId"] for r in rows] == [good.hex()], (at, rows, err)
        for cut in (0, 100, 195, 300, 196 + len(slot), len(data) - 1):
            with open(path, "wb") as f:
                f.write(data[:cut])
            assert bundles(box)[0] == 5, cut
        os.unlink(path)
        # slots that open nothing stand in nobody's way
        lines = ["holdfast/slot/v1", str(INSTALLATION), bytes(16).hex(), json.loads(slot)["slotId"], "drPassphrase", "262144", "8", "1", w.dr_salt.hex()]
        other_id = dict(slot_id=lines[3], drkId=b64(bytes(16)), context=("\n".join(lines) + "\n").encode())
        for words, change in (("does not open", dict(plain=b"mk/v1" + w.drk)), ("does not open", dict(context=b"other")), ("DR slot", dict(kind="passphrase")),
                              ("DR slot", dict(reference={"N": 1 << 17})), ("another installation", dict(reference={"salt": b64(bytes(32))})),
                              ("does not open", dict(reference={"commit": b64(bytes(32))})), ("unknown member", dict(more=1)), ("does not open", dict(drkId=b64(bytes(16)))), ("does not open", other_id)):
            path = w.bundle(b"other", slot=w.dr_slot(**change), created="2026-03-02T03:04:05.678Z")
            code, rows, err = bundles(box)
            assert code == 5 and words in err and good.hex() in {r["bundleId"] for r in rows}, (change, err)
            os.unlink(path)


@test
def names_of_bundles():
    with Box() as box:
        w = recoverable(box)
        w.bundle(b"good", created="2026-01-02T03:04:05.678Z")
        good = w.last_id
        for i in range(300):
            w.put(f"recovery/20260102t030405z-{i:032x}-{i:032x}", b"junk")
            w.put(f"recovery/junk-{i}", b"junk")
        code, rows, err = bundles(box)
        assert code == 0 and err == "" and [r["bundleId"] for r in rows] == [good.hex()], err
        # after another DR passphrase the old ones are found by their headers
        w.recovery("another-one-of-seven-words-that-nobody-else-has")
        w.bundle(b"new", created="2026-01-03T03:04:05.678Z")
        code, rows, _ = bundles(box, passphrase="another-one-of-seven-words-that-nobody-else-has")
        assert code == 0 and [r["bundleId"] for r in rows] == [good.hex(), w.last_id.hex()], rows
        code, rows, _ = bundles(box)
        assert code == 0 and {r["bundleId"] for r in rows} == {good.hex(), w.last_id.hex()}


@test
def keyrings_and_the_recovery_key():
    with Box() as box:
        w = recoverable(box)
        w.point(("folder", Folder({b"f": File(b"x")})))
        w.bundle(b"good")
        secret = ["--dr-passphrase-file", os.path.join(box.path, "dr")]
        bundles(box)
        verify = ["verify", "--policy", str(w.policy_id)]
        code, report, err = box.run(*secret, *verify)
        assert code == 0, (report, err)
        code, report, _ = box.run(*verify)
        assert "drMac of keyrings not checked: the DR key is not held" in report["notes"], report
        # the keyring in the bundle opens where all others are gone
        folder = os.path.join(box.path, "store", str(INSTALLATION), "keyring")
        held = {n: open(os.path.join(folder, n), "rb").read() for n in os.listdir(folder)}
        for n in held:
            os.unlink(os.path.join(folder, n))
        assert box.run(*verify)[0] == 4
        assert box.run(*secret, *verify)[0] == 0
        # one with a MAC that does not hold is named, one from without the DR key noted; neither is used
        for n, data in held.items():
            with open(os.path.join(folder, n), "wb") as f:
                f.write(data[:-1] + bytes([data[-1] ^ 1]))
        code, report, _ = box.run(*secret, *verify)
        assert code == 5 and "drMac does not hold" in json.dumps(report["problems"]), report
        for n in held:
            os.unlink(os.path.join(folder, n))
        drk, w.drk = w.drk, None
        w.keyring()
        w.drk = drk
        code, report, _ = box.run(*secret, *verify)
        assert code == 0 and "keyrings that were not written under the DR key: not used" in report["notes"], report
        w.drk = None
        w.keyring(slots=[w.slot(passphrase=b"only here")])
        w.drk = drk
        assert box.run(*verify, passphrase="only here")[0] == 0
        assert box.run(*secret, *verify, passphrase="only here")[0] == 4


def main():
    passed = failed = 0
    for f in TESTS:
        if len(sys.argv) > 1 and f.__name__ not in sys.argv[1:]:
            continue
        try:
            f()
            passed += 1
        except Exception:
            failed += 1
            print(f"FAILED {f.__name__}")
            traceback.print_exc(file=sys.stdout)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
