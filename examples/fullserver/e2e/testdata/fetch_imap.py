# Saves every message of INBOX: fetch_imap.py host:port user password folder
import imaplib, sys
host, port = sys.argv[1].rsplit(":", 1)
m = imaplib.IMAP4(host, int(port), timeout=60)
m.login(sys.argv[2], sys.argv[3])
typ, n = m.select("INBOX", readonly=True)
assert typ == "OK", n
typ, uids = m.uid("SEARCH", None, "ALL")
uids = uids[0].split()
assert len(uids) == int(n[0]), (uids, n)
for i in range(0, len(uids), 50):
    typ, data = m.uid("FETCH", b",".join(uids[i:i + 50]).decode(), "(UID RFC822.SIZE BODY.PEEK[])")
    assert typ == "OK", data
    for part in data:
        if isinstance(part, tuple):
            words = part[0].decode().replace("(", " ").split()
            uid, size = words[words.index("UID") + 1], int(words[words.index("RFC822.SIZE") + 1])
            assert size == len(part[1]), (size, len(part[1]))
            open("%s/%s" % (sys.argv[4], uid), "wb").write(part[1])
m.logout()
