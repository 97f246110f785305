package mime_test

import (
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/buuta/mail/mime"
)

func TestParseDate(t *testing.T) {
	at := func(y int, m time.Month, d, h, min, s, zone int) time.Time {
		return time.Date(y, m, d, h, min, s, 0, time.FixedZone("", zone*60))
	}
	for _, c := range []struct {
		in   string
		want time.Time
	}{
		// RFC 5322 appendix A.1, A.5, A.6.2
		{"Fri, 21 Nov 1997 09:55:06 -0600", at(1997, 11, 21, 9, 55, 6, -360)},
		{"Thu,\r\n      13\r\n        Feb\r\n          1969\r\n      23:32\r\n               -0330 (Newfoundland Time)", at(1969, 2, 13, 23, 32, 0, -210)},
		{"21 Nov 97 09:55:06 GMT", at(1997, 11, 21, 9, 55, 6, 0)},
		{"Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", at(1997, 11, 21, 9, 55, 6, -360)},
		// section 4.3
		{"1 Jan 00 00:00:00 EST", at(2000, 1, 1, 0, 0, 0, -300)},
		{"1 Jan 49 00:00 PDT", at(2049, 1, 1, 0, 0, 0, -420)},
		{"1 Jan 50 00:00 Z", at(1950, 1, 1, 0, 0, 0, 0)},
		{"1 Jan 100 00:00 UT", at(2000, 1, 1, 0, 0, 0, 0)},
		{"1 Jan 1998 00:00 A", at(1998, 1, 1, 0, 0, 0, 0)},
		{"1 Jan 1998 00:00 FOO", at(1998, 1, 1, 0, 0, 0, 0)},
		// section 3.3: leap seconds
		{"Sat, 31 Dec 2016 23:59:60 +0000", at(2017, 1, 1, 0, 0, 0, 0)},
		// met in the wild
		{"Sun, 22 Nov 2026 9:05:07 +0700", at(2026, 11, 22, 9, 5, 7, 420)},
		{"Sun 22 November 2026 09:05:07 +07:00", at(2026, 11, 22, 9, 5, 7, 420)},
		{"22-Nov-2026 09:05 +07", at(2026, 11, 22, 9, 5, 0, 420)},
		{"Sunday, 22-Nov-26 09:05:07 GMT", at(2026, 11, 22, 9, 5, 7, 0)},
		{"Sun Nov 22 09:05:07 2026", at(2026, 11, 22, 9, 5, 7, 0)},
		{"Sun Nov 22 09:05:07 PST 2026", at(2026, 11, 22, 9, 5, 7, -480)},
		{"Sun Nov 22 09:05:07 +0700 2026", at(2026, 11, 22, 9, 5, 7, 420)},
		{"Nov 22, 2026 9:05 PM", at(2026, 11, 22, 21, 5, 0, 0)},
		{"Nov 22, 2026 12:05 AM", at(2026, 11, 22, 0, 5, 0, 0)},
		{"2026-11-22T09:05:07Z", at(2026, 11, 22, 9, 5, 7, 0)},
		{"2026-11-22 09:05:07 -0800", at(2026, 11, 22, 9, 5, 7, -480)},
		{"Sun, 22 Nov 2026 09:05:07 GMT+0200", at(2026, 11, 22, 9, 5, 7, 120)},
		{"Sun, 22 Nov 2026 09:05:07 \"GMT\"", at(2026, 11, 22, 9, 5, 7, 0)},
		{"Sun, 22 Nov 2026 09.05.07 +0000", at(2026, 11, 22, 9, 5, 7, 0)},
		{"Sun, 22 Nov 2026", at(2026, 11, 22, 0, 0, 0, 0)},
		{"Sun, 22 Nov 2026 09:05:07 -9999", at(2026, 11, 22, 9, 5, 7, 0)},
		{"Sun, 22 Nov 2026 09:05:07 +0700 (ICT) \x80\x81", at(2026, 11, 22, 9, 5, 7, 420)},
	} {
		got, err := mime.ParseDate(c.in)
		require.NoError(t, err, "%q", c.in)
		require.True(t, c.want.Equal(got), "%q: %v", c.in, got)
		_, want := c.want.Zone()
		_, zone := got.Zone()
		require.Equal(t, want, zone, "%q", c.in)
	}
	got, err := mime.ParseDate("2026-11-22T09:05:07.250Z")
	require.NoError(t, err)
	require.Equal(t, 250*time.Millisecond, time.Duration(got.Nanosecond()))
}

func TestParseDateRefuses(t *testing.T) {
	for _, bad := range []string{
		"", "yesterday", "32 Nov 2026 00:00 +0000", "29 Feb 2026 00:00 +0000", "22 Nov 2026 24:00 +0000", "22 Nov 2026 00:60 +0000", "22 Nov 2026 00:00:61 +0000",
		"22 Nov", "Nov 2026", "22 2026", "0 Nov 2026 00:00 +0000", "11/22/2026", "\x00", "22 Nov 99999 00:00 +0000",
	} {
		_, err := mime.ParseDate(bad)
		require.Error(t, err, "%q", bad)
	}
}

func TestFormatDate(t *testing.T) {
	d := time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", -3*3600-1800))
	require.Equal(t, "Fri, 02 Jan 2026 03:04:05 -0330", mime.FormatDate(d))
}

func TestDateAgainstNetMail(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "unix"), 0).In(time.FixedZone("", rapid.IntRange(-14*60, 14*60).Draw(t, "zone")*60))
		s := mime.FormatDate(want)
		got, err := mime.ParseDate(s)
		require.NoError(t, err)
		require.True(t, want.Equal(got))
		std, err := mail.ParseDate(s)
		require.NoError(t, err)
		require.True(t, std.Equal(got))
	})
}

func TestMessageIDs(t *testing.T) {
	for _, c := range []struct {
		in   string
		want []string
	}{
		{"<a@b>", []string{"a@b"}},
		{"<a@b>\t<c@d><a@b>", []string{"a@b", "c@d"}},
		{"<long@ example.test>", []string{"long@example.test"}},
		{`Your message of "Mon, 1 Jan" <a@b>`, []string{"a@b"}},
		{"a@b, c@d", []string{"a@b", "c@d"}},
		{"<a@b", []string{"a@b"}},
		{"<<a@b>>", []string{"a@b"}},
		{"<no-at>", []string{"no-at"}},
		{"", nil},
		{"none", nil},
		{"<>", nil},
	} {
		require.Equal(t, c.want, mime.ParseMessageIDs(c.in), "%q", c.in)
	}
	require.Equal(t, "<a@b> <c@d>", mime.FormatMessageIDs(strings.Repeat("x", 1000), "a@b", "<c@\r\nd>"))
}

func FuzzDate(f *testing.F) {
	for _, s := range []string{"Fri, 21 Nov 1997 09:55:06 -0600", "2026-11-22T09:05:07.25Z", "Sun Nov 22 09:05:07 PST 2026", "(", "1 Jan 00 9.9.9 PM"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := mime.ParseDate(s)
		if err != nil {
			return
		}
		back, err := mime.ParseDate(mime.FormatDate(d))
		require.NoError(t, err)
		require.True(t, d.Truncate(time.Second).Equal(back))
	})
}
