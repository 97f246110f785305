package dsn

import (
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/buuta/mail/mime"
)

// ErrNotBounce is what [GuessBounce] says about a message that doesn't look like a report of a failed delivery.
var ErrNotBounce = errors.New("dsn: message does not look like a bounce")

// Guess is what a bounce seems to say.
type Guess struct {
	Class      string // who wrote it: "standard", "qmail", "exim", "postfix", "exchange", "gmail", "yahoo", "sendmail", or "generic"
	Recipients []Recipient

	// Confidence is 1 for a standard report, about 0.9 for a known form with a status code in it, 0.7 where the status comes
	// from the reason's words, 0.5 without a reason, and at most 0.4 for a form that isn't known.
	Confidence float64
}

// GuessBounce reads a bounce of any kind: a standard notification, or the plain letters that many systems write in place of
// one. Reports can be forged by anybody: before acting on one, check that the message came to an address that only a bounce of
// yours could know (VERP), or that the returned message is yours. The error is ErrNotBounce or r's.
func GuessBounce(r io.ReaderAt, size int64) (*Guess, error) {
	ix, err := mime.BuildIndex(r, size, nil)
	if err != nil {
		return nil, err
	}
	if find(ix.Root, "message", "delivery-status", "global-delivery-status") != nil {
		rep, err := Parse(r, size)
		if err == nil {
			return &Guess{Class: "standard", Recipients: rep.Recipients, Confidence: 1}, nil
		}
		if !errors.Is(err, ErrNotReport) && !errors.Is(err, ErrTooLarge) {
			return nil, err
		}
	}
	b := bounce{from: ix.Root.Envelope.From, to: ix.Root.Envelope.To}
	if err := b.read(r, ix); err != nil {
		return nil, err
	}
	for _, f := range forms() {
		if !b.has(f.marks...) {
			continue
		}
		if found := f.find(&b); len(found) > 0 {
			return b.guess(f.class, found), nil
		}
	}
	if found := findAnywhere(&b); len(found) > 0 && b.isDaemon() {
		return b.guess("generic", found), nil
	}
	return nil, ErrNotBounce
}

// maxGuess is how much of a bounce's text is looked at, and how many recipients are taken from it.
const (
	maxGuess      = 256 << 10
	maxGuessed    = 1000
	maxReason     = 2000
	maxGuessLines = 10_000
)

// bounce is the text of a bounce without the returned message.
type bounce struct {
	from, to []mime.Address
	failed   []string // X-Failed-Recipients
	null     bool     // it came from the null reverse-path
	text     string
	lines    []string
}

func (b *bounce) read(r io.ReaderAt, ix *mime.Index) error {
	raw := make([]byte, min(ix.Root.Header.Size, 1<<20))
	if n, err := r.ReadAt(raw, 0); n < len(raw) {
		return err
	}
	h := mime.ParseHeader(raw, nil)
	b.null = h.Get("Return-Path") == "<>"
	for a := range mime.Mailboxes(h.Addresses("X-Failed-Recipients")) {
		if s := address(a.Addr()); s != "" {
			b.failed = append(b.failed, s)
		}
	}
	p, html := find(ix.Root, "text", "plain"), false
	if p == nil {
		p, html = find(ix.Root, "text", "html"), true
	}
	if p == nil {
		return nil
	}
	text, err := io.ReadAll(io.LimitReader(p.OpenText(r, nil), maxGuess))
	if err != nil {
		return err
	}
	b.text = strings.ReplaceAll(string(text), "\r\n", "\n")
	if html {
		b.text = stripTags(b.text)
	}
	for _, mark := range []string{ // here begins the returned message
		"--- Below this line is a copy of the message", "--- Below the next line is a copy of the message", "------ This is a copy of", "----- Original message -----", "--- Original message follows",
		"----- Message header follows -----", "\nOriginal message headers:",
	} {
		b.text, _, _ = strings.Cut(b.text, mark)
	}
	b.lines = strings.SplitN(b.text, "\n", maxGuessLines)
	return nil
}

// has reports whether one of the marks stands in the text, wherever its lines are broken.
func (b *bounce) has(marks ...string) bool {
	text := strings.ToLower(strings.Join(strings.Fields(b.text), " "))
	return slices.ContainsFunc(marks, func(m string) bool { return strings.Contains(text, strings.ToLower(m)) })
}

// isDaemon reports whether a mail system wrote the message rather than a person.
func (b *bounce) isDaemon() bool {
	for a := range mime.Mailboxes(b.from) {
		switch strings.ToLower(a.Mailbox) {
		case "mailer-daemon", "mailerdaemon", "mail-daemon", "postmaster", "maildaemon":
			return true
		}
	}
	return b.null && len(b.failed) > 0
}

// finding is a recipient and what is said about it.
type finding struct{ addr, reason string }

func (b *bounce) guess(class string, found []finding) *Guess {
	g := &Guess{Class: class, Confidence: 0.9}
	action := Failed
	if b.has("has not yet been delivered", "has been delayed", "will keep trying", "will be retried", "delivery is delayed", "This is a warning message only", "THIS IS A WARNING ONLY") {
		action = Delayed
	}
	seen := map[string]bool{}
	for _, f := range found {
		key := strings.ToLower(f.addr)
		if seen[key] || len(g.Recipients) == maxGuessed {
			continue
		}
		seen[key] = true
		c := Recipient{Final: f.addr, Action: action, Diagnostic: strings.Join(strings.Fields(f.reason), " ")}
		if len(c.Diagnostic) > maxReason {
			c.Diagnostic = strings.ToValidUTF8(c.Diagnostic[:maxReason], "")
		}
		c.RemoteMTA = remoteHost(c.Diagnostic)
		var how float64
		c.Status, how = statusOf(c.Diagnostic, action)
		g.Confidence = min(g.Confidence, how)
		g.Recipients = append(g.Recipients, c)
	}
	if class == "generic" {
		g.Confidence = min(g.Confidence-0.5, 0.4)
	}
	return g
}

// stripTags makes the text of a report that is HTML only: tags go, and those that end a line do so.
func stripTags(s string) string {
	var out strings.Builder
	for s != "" {
		text, rest, ok := strings.Cut(s, "<")
		out.WriteString(text)
		if !ok {
			break
		}
		tag, after, ok := strings.Cut(rest, ">")
		if !ok {
			break
		}
		name, _, _ := strings.Cut(strings.ToLower(strings.Trim(tag, "/ ")), " ")
		switch name {
		case "br", "p", "div", "tr", "li", "h1", "h2", "h3", "table", "td":
			out.WriteByte('\n')
		case "style", "script", "head":
			if !strings.HasPrefix(tag, "/") {
				_, after, _ = strings.Cut(after, "</"+tag[:min(len(name), len(tag))])
			}
		}
		s = after
	}
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&nbsp;", " ", "&#39;", "'", "&quot;", `"`, "&amp;", "&").Replace(out.String())
}
