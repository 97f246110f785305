package arc_test

import (
	"crypto"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/smtp/mailauth/arc"
	"github.com/buuta/mail/smtp/mailauth/authres"
	"github.com/buuta/mail/smtp/mailauth/internal/forge"
	"github.com/buuta/mail/smtp/mailauth/mailauthtest"
)

// hop is one who has passed the message on. Its set is made by RFC 8617's text alone, but for what is said here.
type hop struct {
	i     string // instance, "" is the next
	cv    string // "" is none or pass
	ams   string // further tags of the ARC-Message-Signature, "c=…" and "h=…" among them
	as    string // further tags of the ARC-Seal
	aar   string // all of it behind "i=N", "" is something
	names [3]string
	old   string // is replaced by new before it seals: what it changes of the message
	new   string
	alone bool // the seal covers its own set alone (section 5.1.2)
}

// chain is a chain and what it is worth. Clauses are of RFC 8617 where no other is named.
type chain struct {
	clause   string
	hops     []hop
	old, new string // is replaced afterwards
	dns      string // further records; "" has the keys
	want     authres.Code
	err      error
	oldest   int

	dkimpy authres.Code // what dkimpy says where it is something else, and why
	why    string
}

const original = "DKIM-Signature: v=1; a=rsa-sha256; d=author.example; s=s; h=from; bh=x; b=y\r\nReceived: from a\r\n\tby b; x\r\n" +
	"From: a@author.example\r\nTo: list@example.net\r\nSubject: hello\r\nDate: Fri, 11 Jul 2003 21:00:37 -0700\r\n\r\nThe  body. \r\n\r\n"

func rsaKey(t testing.TB) crypto.Signer { return forge.RSA(t, 2048) }

func has(tags, name string) bool {
	for tag := range strings.SplitSeq(tags, ";") {
		if n, _, _ := strings.Cut(tag, "="); strings.TrimSpace(n) == name {
			return true
		}
	}
	return false
}

func value(tags, name, def string) string {
	for tag := range strings.SplitSeq(tags, ";") {
		if n, v, _ := strings.Cut(tag, "="); strings.TrimSpace(n) == name {
			return strings.TrimSpace(v)
		}
	}
	return def
}

// add puts one set on top of a message.
func (h hop) add(t testing.TB, key crypto.Signer, n int, sets *[]string, message string) string {
	if h.old != "" {
		require.Contains(t, message, h.old)
		message = strings.Replace(message, h.old, h.new, 1)
	}
	i := h.i
	if i == "" {
		i = fmt.Sprint(n)
	}
	cv := h.cv
	if cv == "" {
		cv = map[bool]string{true: "none", false: "pass"}[n == 1]
	}
	names := h.names
	for k, def := range []string{"ARC-Authentication-Results", "ARC-Message-Signature", "ARC-Seal"} {
		if names[k] == "" {
			names[k] = def
		}
	}
	body := h.aar
	if body == "" {
		body = fmt.Sprintf("; mx%d.example; spf=pass smtp.mailfrom=a@author.example", n)
	}
	aar := names[0] + ": i=" + i + body + "\r\n"
	head, text, _ := strings.Cut(message, "\r\n\r\n")
	canon := value(h.ams, "c", "relaxed/relaxed")
	list := value(h.ams, "h", "from:to:subject")
	sum := forge.Body(text, strings.HasSuffix(canon, "/relaxed"))
	tags := ""
	for _, d := range [][2]string{{"a", "rsa-sha256"}, {"c", canon}, {"d", "mx.example"}, {"s", "s"}, {"h", list}, {"bh", forge.Hash(sum)}} {
		if !has(h.ams, d[0]) || d[0] == "c" || d[0] == "h" {
			tags += "; " + d[0] + "=" + d[1]
		}
	}
	for tag := range strings.SplitSeq(h.ams, ";") {
		if n := strings.TrimSpace(strings.SplitN(tag, "=", 2)[0]); n != "" && n != "c" && n != "h" {
			tags += "; " + strings.TrimSpace(tag)
		}
	}
	ams := names[1] + ": i=" + i + tags + "; b=\r\n"
	ams = strings.TrimSuffix(ams, "\r\n") + forge.Sign(t, key, strings.HasPrefix(canon, "relaxed"), forge.Fields(head+"\r\n"), strings.Split(list, ":"), ams) + "\r\n"
	tags = "; cv=" + cv
	for _, d := range [][2]string{{"a", "rsa-sha256"}, {"d", "mx.example"}, {"s", "s"}} {
		if !has(h.as, d[0]) {
			tags += "; " + d[0] + "=" + d[1]
		}
	}
	if h.as != "" {
		tags += "; " + h.as
	}
	as := names[2] + ": i=" + i + tags + "; b=\r\n"
	*sets = append(*sets, aar, ams, as)
	covered := *sets
	if h.alone {
		covered = covered[len(covered)-3:]
	}
	as = strings.TrimSuffix(as, "\r\n") + forge.Seal(t, key, covered) + "\r\n"
	(*sets)[len(*sets)-1] = as
	return as + ams + aar + message
}

func (c *chain) build(t testing.TB, key crypto.Signer) (message, zone string) {
	message = original
	var sets []string
	for n, h := range c.hops {
		message = h.add(t, key, n+1, &sets, message)
	}
	if c.old != "" {
		require.Contains(t, message, c.old, c.clause)
		message = strings.Replace(message, c.old, c.new, 1)
	}
	zone = c.dns
	if zone == "" {
		zone = "s._domainkey.mx.example TXT v=DKIM1; p=" + forge.Record(t, key)
	}
	return message, zone
}

var (
	none = authres.None
	pass = authres.Pass
	fail = authres.Fail
)

var cases = []chain{
	{clause: "5.2 1. If there are none, the Chain Validation Status is \"none\"", want: none},
	{clause: "5.2 7. a chain of one", hops: []hop{{}}, want: pass},
	{clause: "5.2 7. a chain of three", hops: []hop{{}, {}, {}}, want: pass},
	{clause: "5.2 5. set the oldest-pass value to the lowest AMS instance value that passed (M+1)", hops: []hop{{}, {old: "Subject: hello", new: "Subject: [list] hello"}}, want: pass, oldest: 2},
	{clause: "5.2 5. no need to check any older", hops: []hop{{}, {old: "The  body", new: "Our body"}, {}, {old: "Our body", new: "My body"}}, want: pass, oldest: 4},
	{clause: "5.2 4. Validate the AMS with the greatest instance value: the body", hops: []hop{{}, {}}, old: "The  body", new: "No body", want: fail, err: arc.ErrMessage},
	{clause: "5.2 4. the header", hops: []hop{{}, {}}, old: "Subject: hello", new: "Subject: hullo", want: fail, err: arc.ErrMessage},
	{clause: "5.2 4. what isn't covered may change", hops: []hop{{}, {}}, old: "Date: Fri", new: "Date: Sat", want: pass},
	{clause: "4.1.2 relaxed", hops: []hop{{}}, old: "The  body. \r\n", new: "The body.\t\r\n", want: pass},
	{clause: "4.1.2 the same syntax and semantics as the DKIM-Signature: c=simple/simple", hops: []hop{{ams: "c=simple/simple"}}, want: pass},
	{clause: "4.1.2 c=simple/simple and a change of white space", hops: []hop{{ams: "c=simple/simple"}}, old: "Subject: hello", new: "Subject:  hello", want: fail, err: arc.ErrMessage},
	{clause: "4.1.2 if seen, a version tag MUST be ignored", hops: []hop{{ams: "v=7"}}, want: pass,
		dkimpy: fail, why: "dkimpy wants a 1; section 4.1.2"},
	{clause: "4.1.2 DKIM-Signature fields SHOULD be included", hops: []hop{{ams: "h=from:dkim-signature"}}, want: pass},
	{clause: "4.1.2 x=: expired", hops: []hop{{ams: "x=1118006938"}}, want: fail, err: arc.ErrMessage},
	{clause: "4.1.2 From is signed, as in a DKIM-Signature", hops: []hop{{ams: "h=to:subject"}}, want: fail, err: arc.ErrMessage,
		dkimpy: pass, why: "dkimpy doesn't look; RFC 6376 section 6.1.1"},
	{clause: "4.1.2 a= that is not known", hops: []hop{{ams: "a=rsa-sha512"}}, want: fail, err: arc.ErrMessage},
	{clause: "4.1.2 another selector than the seal's", hops: []hop{{ams: "s=other"}}, want: fail, err: arc.ErrMessage},
	{clause: "4.1.3 t=", hops: []hop{{as: "t=1117574938"}}, want: pass},
	{clause: "4.1.3 the DKIM \"h\" tag is NOT allowed and, if found, MUST result in a cv status of \"fail\"", hops: []hop{{as: "h=from"}}, want: fail, err: arc.ErrSeal},
	{clause: "4.1.3 there is no \"bh\" tag", hops: []hop{{as: "bh=eA=="}}, want: fail, err: arc.ErrSeal},
	{clause: "4.1.3 an AAR is covered: the first one's by both seals", hops: []hop{{}, {}}, old: "mx1.example; spf=pass", new: "mx1.example; spf=fail", want: fail, err: arc.ErrSeal},
	{clause: "4.1.3 an AAR is covered: the last one's", hops: []hop{{}, {}}, old: "mx2.example; spf=pass", new: "mx2.example; spf=fail", want: fail, err: arc.ErrSeal},
	{clause: "4.1.3 an AS is covered by the next", hops: []hop{{as: "t=1"}, {}}, old: "t=1;", new: "t=2;", want: fail, err: arc.ErrSeal},
	{clause: "4.1.3 only relaxed canonicalization: folding", hops: []hop{{}}, old: "; mx1.example; spf=pass", new: ";\r\n\tmx1.example;\r\n\t spf=pass ", want: pass},
	{clause: "4.1.3 a= that is not known", hops: []hop{{as: "a=rsa-sha1"}}, want: fail, err: arc.ErrSeal},
	{clause: "4.1.3 d= without a key", hops: []hop{{as: "d=other.example"}}, want: fail, err: arc.ErrSeal},
	{clause: "4.2.1 exactly one instance of each: no AAR", hops: []hop{{names: [3]string{"X-AAR", "", ""}}}, want: fail, err: arc.ErrStructure},
	{clause: "4.2.1 exactly one instance of each: no AMS", hops: []hop{{names: [3]string{"", "X-AMS", ""}}}, want: fail, err: arc.ErrStructure},
	{clause: "4.2.1 exactly one instance of each: no AS", hops: []hop{{}, {names: [3]string{"", "", "X-AS"}}}, want: fail, err: arc.ErrStructure},
	{clause: "4.2.1 exactly one instance of each: two", hops: []hop{{}, {i: "1"}}, want: fail, err: arc.ErrStructure},
	{clause: "5.2 3.B no gaps", hops: []hop{{}, {i: "3"}}, want: fail, err: arc.ErrStructure},
	{clause: "5.2 3.B from 1", hops: []hop{{i: "2", cv: "pass"}}, want: fail, err: arc.ErrStructure},
	{clause: "4.2.1 Instance tag values can range from 1: 0", hops: []hop{{i: "0"}}, want: fail, err: arc.ErrStructure,
		dkimpy: none, why: "dkimpy doesn't see it; section 5.2 3.B"},
	{clause: "4.2.1 to 50: 51", hops: []hop{{}, {i: "51"}}, want: fail, err: arc.ErrTooMany},
	{clause: "4.2.1 integers", hops: []hop{{i: "1a"}}, want: fail, err: arc.ErrStructure,
		dkimpy: pass, why: "dkimpy takes the digits; position = 1*2DIGIT (3.9)"},
	{clause: "4.2.1 a zero before it: position = 1*2DIGIT (3.9)", hops: []hop{{i: "01"}}, want: pass},
	{clause: "5.2 3.C cv=fail of an older one", hops: []hop{{cv: "fail"}, {}}, want: fail, err: arc.ErrCV},
	{clause: "5.2 2. cv=fail of the highest", hops: []hop{{}, {cv: "fail", alone: true}}, want: fail, err: arc.ErrCV},
	{clause: "5.2 3.C with instance value = 1, the value MUST be \"none\"", hops: []hop{{cv: "pass"}}, want: fail, err: arc.ErrCV},
	{clause: "5.2 3.C with instance values > 1, the values MUST be \"pass\"", hops: []hop{{}, {cv: "none"}}, want: fail, err: arc.ErrCV},
	{clause: "5.2 3.C no such value", hops: []hop{{cv: "good"}}, want: fail, err: arc.ErrCV},
	{clause: "4.1.1 CFWS around the instance", hops: []hop{{aar: " (first; of all) ; mx1.example; none"}}, want: pass},
	{clause: "RFC 5322 section 3.6.8: field names without case", hops: []hop{{names: [3]string{"arc-authentication-results", "ARC-MESSAGE-SIGNATURE", "Arc-Seal"}}}, want: pass},
	{clause: "5.1.1 in increasing instance order, wherever they are: moved below others", hops: []hop{{}}, old: "Received: from a\r\n\tby b; x\r\n", new: "", want: pass},
	{clause: "5.2.1 DNS failures are considered permanent", hops: []hop{{}}, dns: "s._domainkey.mx.example FAIL", want: fail, err: arc.ErrMessage},
	{clause: "5.2 4. no key", hops: []hop{{}}, dns: "s._domainkey.mx.example NONE", want: fail, err: arc.ErrMessage},
	{clause: "5.2 4. a key revoked", hops: []hop{{}}, dns: "s._domainkey.mx.example TXT v=DKIM1; p=", want: fail, err: arc.ErrMessage},
	{clause: "4.1.4 RFC 8616: U-labels", hops: []hop{{aar: "; bücher.example; spf=pass smtp.mailfrom=jürgen@bücher.example"}}, want: pass},
}

func TestCases(t *testing.T) {
	key := rsaKey(t)
	for _, c := range cases {
		message, zone := c.build(t, key)
		r, err := (&arc.Verifier{Resolver: mailauthtest.MustParse(zone)}).Verify(t.Context(), strings.NewReader(message))
		require.NoError(t, err, c.clause)
		if r.Result != c.want || (c.err != nil) != (r.Err != nil) || r.OldestPass != c.oldest {
			t.Errorf("%s: %s (%v) oldest %d, want %s (%v) oldest %d\n%s", c.clause, r.Result, r.Err, r.OldestPass, c.want, c.err, c.oldest, message)
		} else if c.err != nil {
			require.ErrorIs(t, r.Err, c.err, c.clause)
		}
	}
}
