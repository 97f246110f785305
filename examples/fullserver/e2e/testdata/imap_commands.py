# Every IMAP command of the ground floor: imap_commands.py host:port user password
import imaplib, re, ssl, sys, time
host, port = sys.argv[1].rsplit(":", 1)
m = imaplib.IMAP4(host, int(port), timeout=60)
def ok(r, want=None):
    assert r[0] == "OK", r
    if want is not None: assert want in repr(r[1]), (want, r)
    return r[1]
ctx = ssl.create_default_context(); ctx.check_hostname = False; ctx.verify_mode = ssl.CERT_NONE
ok(m.starttls(ctx))
m.authenticate("PLAIN", lambda _: b"\0" + sys.argv[2].encode() + b"\0" + sys.argv[3].encode())
ok(m.create("Work"))
ok(m.create("Work/2026/Q4")); ok(m.subscribe("Work"))
assert m.create("Work")[0] == "NO"
ok(m.list(), "Work/2026/Q4"); ok(m.lsub(), "Work"); ok(m.list('""', "%"), "INBOX")
ok(m.list('""', '""'), "/")
msg = b"From: a@example.org\r\nTo: b@example.org, C <c@example.org>\r\nSubject: Budget proposal\r\nDate: Sun, 22 Nov 2026 09:00:00 +0700\r\nMessage-ID: <x@y>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHello text\r\n--b\r\nContent-Type: application/octet-stream; name=f\r\nContent-Transfer-Encoding: base64\r\n\r\nAAEC\r\n--b--\r\n"
when = imaplib.Time2Internaldate(1700000000)
for i in range(4): ok(m.append("Work", r"(\Seen)" if i == 0 else None, when, msg.replace(b"Budget", b"Budget%d" % i)))
st = ok(m.status("Work", "(MESSAGES UNSEEN UIDNEXT UIDVALIDITY RECENT)"))[0].decode()
assert "MESSAGES 4" in st and "UNSEEN 3" in st and "UIDNEXT 5" in st, st
assert ok(m.select("Work"))[0] == b"4"
r = repr(ok(m.fetch("1", "(FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE UID)")))
for w in ('"Budget0 proposal"', r"\\Seen", '"mixed"', "UID 1", "14-Nov-2023", "RFC822.SIZE %d" % (len(msg) + 1)): assert w in r, (w, r)
r = ok(m.fetch("1", "(BODY[1])")); assert r[0][1] == b"Hello text", r
r = ok(m.fetch("1", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")); assert r[0][1] == b"Subject: Budget0 proposal\r\n\r\n", r
r = ok(m.fetch("1", "(BODY[2.MIME])")); assert b"name=f" in r[0][1], r
r = ok(m.fetch("1", "(BODY[]<0.4>)")); assert r[0][1] == b"From", r
r = ok(m.fetch("1", "(RFC822.HEADER)")); assert r[0][1].endswith(b"boundary=b\r\n\r\n"), r
r = ok(m.fetch("1", "(RFC822)")); assert r[0][1] == msg.replace(b"Budget", b"Budget0"), r
for macro in ("ALL", "FAST", "FULL"): ok(m.fetch("1:*", macro))
def found(*q): return ok(m.search(None, *q))[0].split()
assert found("UNSEEN") == [b"2", b"3", b"4"], found("UNSEEN")
assert found("SUBJECT", '"budget2"') == [b"3"]
assert found("TEXT", '"hello TEXT"', "NOT", "2:3") == [b"1", b"4"]
assert found("OR", "UID", "1", "BODY", "nothere") == [b"1"]
assert found("SENTON", "22-Nov-2026", "LARGER", "100", "HEADER", "Message-ID", "x@y") == [b"1", b"2", b"3", b"4"]
assert found("SINCE", "15-Nov-2023") == []
ok(m.store("2", "+FLAGS", r"(\Flagged $Later)"), "$Later"); assert found("KEYWORD", "$Later", "FLAGGED") == [b"2"]
ok(m.store("2", "-FLAGS.SILENT", r"(\Flagged)")); assert found("FLAGGED") == []
ok(m.uid("STORE", "3", "FLAGS", r"(\Deleted)")); ok(m.copy("1:2", "INBOX")); ok(m.uid("COPY", "4", "Work/2026/Q4"))
assert m.copy("1", "Missing")[0] == "NO"
assert ok(m.expunge()) == [b"3"]; assert found("ALL") == [b"1", b"2", b"3"]
ok(m.check()); ok(m.noop()); ok(m.close())
ok(m.rename("Work", "Job")); assert b"4" not in (ok(m.select("Job/2026/Q4", readonly=True))[0],)
assert "READ-ONLY" in repr(m.untagged_responses) or m.is_readonly
ok(m.select("INBOX"), "2"); ok(m.delete("Job/2026/Q4")); ok(m.delete("Job")) ; assert m.delete("Job/2026/Q4")[0] == "NO"
assert m.delete("INBOX")[0] == "NO"
m.logout()
