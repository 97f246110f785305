# Logs in with a token, which is good or isn't: token.py IMAP SUBMISSION POP3 USER TOKEN good|bad
import base64, imaplib, json, poplib, smtplib, sys

imap, submission, pop3, user, token, verdict = sys.argv[1:]
good = verdict == "good"
gs2 = ("n,a=%s,\1host=h\1port=1\1auth=Bearer %s\1\1" % (user.replace("=", "=3D").replace(",", "=2C"), token)).encode()
xoauth2 = ("user=%s\1auth=Bearer %s\1\1" % (user, token)).encode()


def at(address):
    host, port = address.rsplit(":", 1)
    return host, int(port)


def reason(challenge, status):
    told = json.loads(challenge)
    assert told["status"] == status, told
    assert told["openid-configuration"].endswith("/.well-known/openid-configuration"), told
    assert told["scope"] == "mail", told


for mechanism, response, status in (("OAUTHBEARER", gs2, "invalid_token"), ("XOAUTH2", xoauth2, "401")):
    told = []
    c = imaplib.IMAP4(*at(imap))
    assert "AUTH=" + mechanism in c.capabilities, c.capabilities

    def answer(challenge):
        if challenge:
            told.append(challenge)
            return b"\1"
        return response

    try:
        c.authenticate(mechanism, answer)
        assert good, "IMAP lets anybody in"
        assert c.select()[0] == "OK"
    except imaplib.IMAP4.error as e:
        assert not good and "AUTHENTICATIONFAILED" in str(e), e
        reason(told[0], status)
    c.logout()

    s = smtplib.SMTP(*at(submission))
    s.ehlo()
    assert mechanism in s.esmtp_features["auth"].split(), s.esmtp_features
    code, text = s.docmd("AUTH", mechanism + " " + base64.b64encode(response).decode())
    if not good:
        assert code == 334, (code, text)
        reason(base64.b64decode(text), status)
        code, text = s.docmd("AQ==")
    assert code == (235 if good else 535), (code, text)
    if good:
        s.sendmail(user, [user], "Subject: by token\r\n\r\nx\r\n")
    s.quit()

    p = poplib.POP3(*at(pop3))
    assert mechanism in p.capa()["SASL"], p.capa()
    try:
        got = p._shortcmd("AUTH " + mechanism + " " + base64.b64encode(response).decode())
        if not good:
            reason(base64.b64decode(got[2:]), status)
            p._shortcmd("AQ==")
        assert good, "POP3 lets anybody in"
        p.stat()
    except poplib.error_proto as e:
        assert not good and b"[AUTH]" in e.args[0], e
    p.quit()
