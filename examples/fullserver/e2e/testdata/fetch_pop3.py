# Saves every message of the maildrop: fetch_pop3.py host:port user password folder
import poplib, sys
poplib._MAXLINE = 10 ** 8
host, port = sys.argv[1].rsplit(":", 1)
p = poplib.POP3(host, int(port), timeout=60)
p.user(sys.argv[2]); p.pass_(sys.argv[3])
count, total = p.stat()
sizes = [int(x.split()[1]) for x in p.list()[1]]
uids = [x.split()[1] for x in p.uidl()[1]]
assert len(sizes) == count and sum(sizes) == total and len(set(uids)) == count
for i in range(count):
    data = b"".join(line + b"\r\n" for line in p.retr(i + 1)[1])
    assert len(data) == sizes[i], (i, len(data), sizes[i])
    open("%s/%d" % (sys.argv[4], i), "wb").write(data)
p.quit()
