package mime

import (
	"math/rand/v2"
	"reflect"
	"testing"
)

// FuzzPlainAddresses: the short way through the plain forms gives what the whole grammar gives.
func FuzzPlainAddresses(f *testing.F) {
	for _, s := range []string{
		"a@b.test", "A B <a@b.test>, c@d", `"A, B" <a@b>`, "A. B <a@b>,", " a@b , c@d ", "a b@c", "A  B <a@b>", "<a@b>", `"" <a@b>`, "g: a@b, C <c@d>;",
		"A <a@b> (c), d@e", ".a@b", "a.@b, c..d@e", "A <a@b>x", "=?utf-8?q?x?= <a@b>", "A =x <a@b>", "A<a@b>", `"A"<a@b>`, "A . <a@b>", "a@b@c", "a@.b", "a@b.", "A <a@b>,,<c@d>",
	} {
		f.Add(s, 3, false)
	}
	f.Fuzz(func(t *testing.T, s string, most int, raw bool) {
		sameBothWays(t, s, most, raw)
	})
}

// TestPlainAddressesAtRandom does the same with short lists of what matters, which meet by chance more often.
func TestPlainAddressesAtRandom(t *testing.T) {
	words := []string{"a", "b", "A", ".", "@", "<", ">", ",", " ", "  ", "\"", "\\", "(", ")", "=", "=?utf-8?q?x?=", ";", ":", "[", "]", "\r\n ", "\t", "ư", "a@b", " <a@b>", "\x00", "-", "_"}
	rnd := rand.New(rand.NewPCG(1, 1))
	for range 100_000 {
		s := ""
		for range rnd.IntN(10) {
			s += words[rnd.IntN(len(words))]
		}
		sameBothWays(t, s, rnd.IntN(4), rnd.IntN(2) == 0)
	}
}

func sameBothWays(t *testing.T, s string, most int, raw bool) {
	t.Helper()
	read := func(noPlain bool) addressScanner {
		p := &AddressParser{Raw: raw, Max: most}
		a := addressScanner{s: s, p: p, max: orDefault(most, 10_000), noPlain: noPlain}
		a.run()
		return a
	}
	short, whole := read(false), read(true)
	if len(short.list)+len(whole.list) > 0 && !reflect.DeepEqual(short.list, whole.list) {
		t.Fatalf("%q: %+v by the short way, %+v by the grammar", s, short.list, whole.list)
	}
	if !reflect.DeepEqual(short.err, whole.err) {
		t.Fatalf("%q: %v by the short way, %v by the grammar", s, short.err, whole.err)
	}
}
