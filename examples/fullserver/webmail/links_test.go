package webmail_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// A link that shows one site and leads to another is told of (D14); one that shows no address, or leads elsewhere in the same site, is not.
func TestLinks(t *testing.T) {
	f := newFixture(t)
	links := []struct{ link, want string }{
		{`<a href="https://evil.example.net/login">https://www.bank.example/login</a>`, "shows www.bank.example, but leads to evil.example.net"},
		{`<a href="http://evil.example.net/"><b>WWW.</b><i>bank.example</i></a>`, "shows WWW.bank.example, but leads to evil.example.net"},
		{`<a href="https://www.bank.example@evil.example.net/">https://www.bank.example</a>`, "but leads to evil.example.net"},
		{`<a href="https://www.bank.example.evil.net/">http://www.bank.example</a>`, "but leads to www.bank.example.evil.net"},
		{`<a href="https://xn--pple-43d.com/">https://apple.com</a>`, "shows apple.com, but leads to xn--pple-43d.com"},
		{`<a href="https://аpple.com/">https://apple.com</a>`, "shows apple.com, but leads to xn--pple-43d.com"},
		{`<a href="http://192.0.2.1/">https://bank.example</a>`, "but leads to 192.0.2.1"},
		{`<a href="https://b.co.uk/">https://a.co.uk</a>`, "shows a.co.uk, but leads to b.co.uk"},
		{`<a href="https://login.bank.example/x">https://www.bank.example</a>`, ""},
		{`<a href="https://BANK.example./x">www.bank.example</a>`, ""},
		{`<a href="https://xn--bcher-kva.example/">https://bücher.example</a>`, ""},
		{`<a href="https://evil.example.net">our bank</a> https://www.bank.example`, ""},
		{`<a href="https://evil.example.net">README.md</a><a href="https://evil.example.net">see https://bank.example for more</a>`, ""},
		{`<a href="mailto:x@evil.example.net">https://bank.example</a><a href="#top">https://bank.example</a><a>https://bank.example</a>`, ""},
	}
	many := ""
	for i := range 10 {
		many += fmt.Sprintf(`<a href="https://e%d.example.net/<script>pwn">https://bank%d.example</a>`, i, i)
	}
	links = append(links, struct{ link, want string }{many, "leads to e0.example.net"})
	for _, l := range links {
		f.add("INBOX", "From: x@example.test\nSubject: x\nContent-Type: text/html; charset=utf-8\n\n<p>"+l.link+"</p>\n")
	}
	f.login()
	for i, l := range links {
		f.get(fmt.Sprintf("/mail/INBOX/%d", i+1))
		if l.want == "" {
			require.NotContains(t, f.page, "A link in this message", l.link)
			continue
		}
		require.Contains(t, f.page, l.want, l.link)
	}
	require.NotContains(t, f.page, "e3.example.net", "three are enough")
	checkPage(t, "links", f.page)
}
