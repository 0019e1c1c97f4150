"""Writes a store whose trees try to get out of the target: hostileStore.py STORE PASSPHRASE OUTSIDE. Prints the policy's id.

Each restore point is one attempt; `file` in it is harmless and has to come back.
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "reader"))
from tiny_writer import File, Folder, Link, Special, Writer, b64, node, tlv, u32, u64

store, passphrase, outside = sys.argv[1:4]
w = Writer(store, passphrase)
w.keyring()
inside = os.fsencode(outside)
evil = File(b"evil")


def point(tree):
    w.point(("folder", tree))


def deep(count):
    return b"../" * count + inside.lstrip(b"/") + b"/planted"



# 1: names that are no names.
names = [b"..", b".", b"", b"/", b"../planted", b"a/../../planted", deep(30), inside + b"/planted", b"nul\0planted", b"../outside/planted"]
point(Folder({b"file": File(b"harmless"), **{name: evil for name in names}}))
# 2: the same as folders.
point(Folder({b"file": File(b"harmless"), b"..": Folder({b"planted": evil}), b"../outside": Folder({b"planted": evil}),
              inside: Folder({b"planted": evil}), b".": Folder({b"planted": evil})}))
# 3: links that lead out, and what has their names in the next one.
point(Folder({b"file": File(b"harmless"), b"folder": Link(inside), b"planted": Link(inside + b"/kept"), b"up": Link(b"../outside")}))
# 4: folders and files where the links were.
point(Folder({b"file": File(b"harmless"), b"folder": Folder({b"kept": evil, b"planted": evil}), b"planted": evil,
              b"up": Folder({b"kept": evil})}))
# 5: two entries of one name, a link and a folder: a node that is out of order.
link, folder = w.entry(b"twice", Link(inside)), w.entry(b"twice", Folder({b"planted": evil}))
twice = w.chunk(2, node(0, 2, link + folder))
point_file = w.entry(b"file", File(b"harmless"))
bad = w.entry(b"bad", Folder())
bad = bad[:-32] + twice
root = w.chunk(2, node(0, 2, bad + point_file))
top = w.entry(b"root", Folder())
point(w.chunk(2, node(0, 1, top[:-32] + root)))
# 6: a hard link whose other name is a link that leads out.
point(Folder({b"a": Link(inside + b"/kept"), b"b": File(b"evil", group=1), b"c": File(b"evil", group=1), b"file": File(b"harmless"),
              b"device": Special(6, tlv(0x87, u32(1) + u32(3))), b"fifo": Special(4, tlv(0x86, u64(1)))}))
# 7: set-user-id for a user that nobody is.
point(Folder({b"file": File(b"harmless"), b"suid": File(b"evil", mode=0o6755, owner=(4294967294, 4294967294))}))
# 8: sources whose labels become names of folders.
labels = ["..", "/", "../../outside", "a/..", ".", "", "x\0y", outside]
root = w.root(Folder({b"file": File(b"harmless"), b"planted": evil}))
w.pack()
pin = w.index(w.packs)
ids = [w.source_id[:-2] + format(index, "02x") for index in range(len(labels))]
w.manifest([], [pin], sources=[{"id": source, "kind": "folder", "label": label, "nameEncoding": "bytes", "separator": "/", "root": b64(root)}
                               for source, label in zip(ids, labels)])
# 9: a root that has the name of a way out.
w.point(("folder", w.root(Folder({b"file": File(b"harmless")}), b"../outside")))
# 10: a source that is one file with such a name.
w.point(("folder", w.root(evil, b"../outside/planted")))
print(w.policy_id)
