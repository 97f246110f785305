# Sends files by SMTP over one connection: send.py host:port sender user=file...
import smtplib, sys
host, port = sys.argv[1].rsplit(":", 1)
s = smtplib.SMTP(host, int(port), local_hostname="client.example.org", timeout=60)
s.ehlo()
for arg in sys.argv[3:]:
    user, file = arg.split("=", 1)
    refused = s.sendmail(sys.argv[2], [user + "@example.test"], open(file, "rb").read(), mail_options=["BODY=8BITMIME"])
    assert not refused, refused
s.quit()
