package intake_test

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"os"
	"strings"
	"testing"

	"github.com/buuta/mail/examples/fullserver/intake"
	"github.com/buuta/mail/examples/fullserver/mailcheck"
	"github.com/buuta/mail/smtp/mailauth"
	"github.com/buuta/mail/smtp/mailauth/mailauthtest"
	"github.com/stretchr/testify/require"
)

const records = `
	far.test            TXT  v=spf1 ip4:127.0.0.1 -all
	forged.test         TXT  v=spf1 -all
	_dmarc.far.test     TXT  v=DMARC1; p=reject
	_dmarc.forged.test  TXT  v=DMARC1; p=reject
	_dmarc.wary.test    TXT  v=DMARC1; p=quarantine
	_dmarc.lax.test     TXT  v=DMARC1; p=none`

func checking(t *testing.T, kind intake.Kind, conf string, junk, refuse bool) *site {
	s := newSite(t, kind, conf)
	s.back.Check = &mailcheck.Checker{Verifier: &mailauth.Verifier{Resolver: mailauthtest.MustParse(records)}, ServID: "mail.here.test", Junk: junk, Refuse: refuse}
	return s
}

func from(domain string) string { return "From: a@" + domain + "\r\n" + text }

const forgedResults = "Authentication-Results: other.test; spf=pass\r\nAuthentication-Results: MAIL.here.test;\r\n\tdmarc=pass\r\n"

// What is from outside gets our Authentication-Results on top, and loses those that pretend to be ours (RFC 8601 section 5).
func TestChecked(t *testing.T) {
	s := checking(t, intake.MTA, stranger, true, false)
	k := s.dial()
	k.say("EHLO c.test", "250")
	k.send(forgedResults+from("far.test"), "250", "alice@here.test", "bob@here.test")
	for _, user := range []string{"alice@here.test", "bob@here.test"} {
		box := s.inbox(user)
		require.Len(t, box, 1)
		require.Regexp(t, `^Return-Path: <s@far\.test>\r\nDelivered-To: .*\r\nAuthentication-Results: mail\.here\.test;\r\n\tspf=pass smtp\.mailfrom=s@far\.test;\r\n`+
			`\tdkim=none;\r\n\tdmarc=pass \(p=reject\) header\.from=far\.test policy\.dmarc=none;\r\n\tarc=none\r\nReceived: from c\.test `, box[0])
		require.Equal(t, 1, strings.Count(box[0], "mail.here.test;\r\n"), box[0])
		require.NotContains(t, box[0], "MAIL.here.test")
		require.Contains(t, box[0], "Authentication-Results: other.test; spf=pass\r\n")
		require.True(t, strings.HasSuffix(box[0], from("far.test")))
	}
	s.logged(": spf=pass dkim=none dmarc=pass arc=none")
}

// What the author's domain wants kept away is filed as junk, with the reason on top, by every way that leads to a mailbox.
func TestJunk(t *testing.T) {
	for name, c := range map[string]struct {
		message string
		junk    bool
		reason  string
	}{
		"reject":          {from("forged.test"), true, "X-Junk-Reason: dmarc=fail; forged.test wants mail that is not from it in reject\r\n"},
		"quarantine":      {from("wary.test"), true, "X-Junk-Reason: dmarc=fail; wary.test wants mail that is not from it in quarantine\r\n"},
		"none":            {from("lax.test"), false, "dmarc=fail"},
		"no record":       {from("nobody.test"), false, "dmarc=none"},
		"passes":          {from("far.test"), false, "dmarc=pass"},
		"two authors":     {"From: a@far.test, b@forged.test\r\n" + text, true, "X-Junk-Reason: dmarc=permerror; "},
		"two From fields": {"From: a@far.test\r\nFrom: b@forged.test\r\n" + text, true, "X-Junk-Reason: dmarc=permerror; "},
		"pretends":        {"X-Junk-Reason: hello\r\n" + from("far.test"), false, "dmarc=pass"},
		"no header":       {"hello\r\n", false, "dmarc=permerror"},
	} {
		for _, ways := range [][]string{{"<alice@here.test>"}, {"<alice@here.test>", "<bob@here.test>"}, {"<alice@here.test> NOTIFY=SUCCESS"}} {
			s := checking(t, intake.MTA, stranger, true, false)
			k := s.dial()
			k.say("EHLO c.test", "250")
			k.say("MAIL FROM:<s@far.test>", "250")
			for _, to := range ways {
				k.say("RCPT TO:"+to, "250")
			}
			k.say("DATA", "354")
			k.say(c.message+".", "250")
			box, other := "INBOX", "Junk"
			if c.junk {
				box, other = "Junk", "INBOX"
			}
			require.Eventually(t, func() bool { return len(s.mailbox("alice@here.test", box)) == 1 }, waitFor, tick, "%s %v", name, ways)
			require.Contains(t, s.mailbox("alice@here.test", box)[0], c.reason, name)
			require.Empty(t, s.mailbox("alice@here.test", other), name)
		}
	}
}

func TestRefused(t *testing.T) {
	s := checking(t, intake.MTA, stranger, true, true)
	k := s.dial()
	k.say("EHLO c.test", "250")
	require.Equal(t, "550 5.7.1 Email rejected per DMARC policy for forged.test", k.send(from("forged.test"), "550", "alice@here.test"))
	require.Empty(t, s.inbox("alice@here.test"))
	require.Empty(t, s.mailbox("alice@here.test", "Junk"))
	k.send(from("wary.test"), "250", "alice@here.test")
	require.Len(t, s.mailbox("alice@here.test", "Junk"), 1)
	k.send("X: "+strings.Repeat(strings.Repeat("x", 900)+"\r\n ", 1300)+"\r\n\r\n", "552 5.3.4", "alice@here.test")
}

func TestDelivered(t *testing.T) {
	s := checking(t, intake.MTA, stranger, false, false)
	k := s.dial()
	k.say("EHLO c.test", "250")
	k.send(from("forged.test"), "250", "alice@here.test")
	require.Contains(t, s.inbox("alice@here.test")[0], "dmarc=fail (p=reject) header.from=forged.test policy.dmarc=reject")
}

// Who may send anywhere isn't checked, and can't pretend to be us either. A server in front has checked before.
func TestNotChecked(t *testing.T) {
	s := checking(t, intake.MTA, "", true, false)
	k := s.dial()
	k.say("EHLO c.test", "250")
	k.send(forgedResults+from("forged.test"), "250", "alice@here.test")
	box := s.inbox("alice@here.test")
	require.Len(t, box, 1)
	require.NotContains(t, strings.ToLower(box[0]), "mail.here.test;\r\n\tdmarc")
	require.Contains(t, box[0], "other.test; spf=pass")
	s = checking(t, intake.LMTP, stranger, true, false)
	k = s.dial()
	k.say("LHLO c.test", "250")
	k.send(forgedResults+from("forged.test"), "250", "alice@here.test")
	require.Contains(t, s.inbox("alice@here.test")[0], forgedResults)
}

// A message of ours is signed as it leaves: with the fields that it lacked, and by every key of its author's domain.
func TestSigned(t *testing.T) {
	dir := t.TempDir()
	zone := ""
	table := ""
	for i, selector := range []string{"old", "new"} {
		seed := make([]byte, 32)
		seed[0] = byte(i)
		key := ed25519.NewKeyFromSeed(seed)
		der, err := x509.MarshalPKCS8PrivateKey(key)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(dir+"/"+selector, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
		zone += selector + "._domainkey.here.test TXT v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey)) + "\n"
		table += "here.test " + selector + " " + selector + "\n"
	}
	require.NoError(t, os.WriteFile(dir+"/keys", []byte(table), 0o600))
	keys, err := mailcheck.OpenKeys(dir + "/keys")
	require.NoError(t, err)
	s := newSite(t, intake.Submission, stranger)
	s.back.Keys = keys
	k := s.dial()
	k.say("EHLO c.test", "250")
	k.say("AUTH PLAIN "+base64.StdEncoding.EncodeToString([]byte("\x00alice@here.test\x00secret")), "235")
	v := &mailauth.Verifier{Resolver: mailauthtest.MustParse(zone)}
	check := func(message string, want int) {
		t.Helper()
		r, err := v.Verify(t.Context(), strings.NewReader(message), mailauth.Envelope{})
		require.NoError(t, err)
		require.Len(t, r.DKIM, want, message)
		for _, sig := range r.DKIM {
			require.NoError(t, sig.Err, message)
			require.Equal(t, "here.test", sig.Domain)
			require.Contains(t, sig.Fields, "Message-ID")
			require.Contains(t, sig.Fields, "Date")
		}
	}
	sent := func(n int) string {
		t.Helper()
		require.Eventually(t, func() bool { s.mu.Lock(); defer s.mu.Unlock(); return len(s.texts) == n }, waitFor, tick)
		return s.texts[n-1]
	}
	k.send("From: Alice <alice@here.test>\r\nSubject: x\r\n"+forgedResults+"\r\nHello\r\n..dot\r\n", "250", "x@far.test")
	check(sent(1), 2)
	require.NotContains(t, s.texts[0], "MAIL.here.test")
	require.Less(t, strings.Index(s.texts[0], "Received: "), strings.Index(s.texts[0], "DKIM-Signature: "))
	s.logged(": DKIM-Signature added")
	k.send("From: alice@sub.HERE.test\r\nSubject: x\r\n\r\n"+strings.Repeat("large\r\n", 60000), "250", "x@far.test", "bob@here.test")
	check(sent(2), 2) // a domain below, and a message too large for memory
	check(strings.SplitN(s.inbox("bob@here.test")[0], "\r\n", 3)[2], 2)
	k.send("From: alice@elsewhere.test\r\nSubject: x\r\n\r\nHello\r\n", "250", "x@far.test")
	check(sent(3), 0)
	k.send("just a text\r\n", "250", "x@far.test")
	check(sent(4), 0)
}

// Nobody gets reports about mail that somebody else has sent in his name: the queue knows of each message how sure that is, from our
// users to strangers who forge. Success was asked for, so the message for a mailbox here goes through the queue as well.
func TestOrigins(t *testing.T) {
	s := checking(t, intake.MTA, stranger, false, false)
	say := func(from, author string) {
		k := s.dial()
		k.say("EHLO c.test", "250")
		k.say("MAIL FROM:<"+from+">", "250")
		k.say("RCPT TO:<alice@here.test> NOTIFY=SUCCESS", "250")
		k.say("DATA", "354")
		k.say("From: a@"+author+"\r\n"+text+".", "250")
	}
	say("s@forged.test", "forged.test")
	say("s@nobody.test", "nobody.test")
	say("s@far.test", "far.test")
	reported := func() (to []string) {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, e := range s.far {
			to = append(to, e.Recipients[0].Address)
		}
		return to
	}
	require.Eventually(t, func() bool { return len(s.inbox("alice@here.test")) == 3 && len(reported()) == 2 }, waitFor, tick)
	require.ElementsMatch(t, []string{"s@nobody.test", "s@far.test"}, reported())
}
