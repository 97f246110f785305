package archive

import (
	"bytes"
	"strconv"
	"strings"
	"time"
)

// parseFrom reads a "From " line, "From alice@example.org Mon Jan  2 15:04:05 2006" and what is like it: the time may lack seconds, a
// time zone may stand before or behind the year. Times without one are UTC, as RFC 4155 appendix A has it. ok is false for a line
// that has no such date, which then is text.
func parseFrom(line []byte) (t time.Time, ok bool) {
	rest, ok := bytes.CutPrefix(line, []byte("From "))
	if !ok || len(rest) > 1000 {
		return t, false
	}
	f := strings.Fields(string(rest))
	for i := len(f) - 5; i >= 0; i-- {
		if len(f[i]) == 3 && strings.Contains("Mon Tue Wed Thu Fri Sat Sun", f[i]) {
			if t, ok := parseDate(f[i+1:]); ok {
				return t, true
			}
		}
	}
	return t, false
}

func parseDate(f []string) (time.Time, bool) {
	if len(f) < 4 {
		return time.Time{}, false
	}
	month, err := time.Parse("Jan", f[0])
	if err != nil {
		return time.Time{}, false
	}
	day, err := strconv.Atoi(f[1])
	if err != nil || day < 1 || day > 31 {
		return time.Time{}, false
	}
	clock, err := time.Parse("15:04:05", f[2])
	if err != nil {
		if clock, err = time.Parse("15:04", f[2]); err != nil {
			return time.Time{}, false
		}
	}
	zone := time.UTC
	year := 0
	for _, w := range f[3:min(len(f), 6)] {
		n, err := strconv.Atoi(w)
		switch signed := w[0] == '+' || w[0] == '-'; {
		case err == nil && signed && len(w) == 5:
			sign := 1
			if n < 0 {
				sign, n = -1, -n
			}
			zone = time.FixedZone("", sign*(n/100*3600+n%100*60))
		case err == nil && !signed && len(w) == 4 && year == 0:
			year = n
		case err == nil && !signed && len(w) == 2 && year == 0:
			if year = 1900 + n; n < 70 {
				year += 100
			}
		}
	}
	if year == 0 {
		return time.Time{}, false
	}
	return time.Date(year, month.Month(), day, clock.Hour(), clock.Minute(), clock.Second(), 0, zone).UTC(), true
}

// fromLine writes a "From " line.
func fromLine(sender string, t time.Time) string {
	if t.IsZero() {
		t = time.Now()
	}
	if sender == "" || len(sender) > 500 || strings.ContainsFunc(sender, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		sender = "MAILER-DAEMON"
	}
	return "From " + sender + " " + t.UTC().Format(time.ANSIC) + "\n"
}

// returnPath finds the sender at the beginning of a message.
func returnPath(head []byte) string {
	for line := range bytes.Lines(head) {
		if len(bytes.TrimRight(line, "\r\n")) == 0 {
			break
		}
		if name, value, ok := bytes.Cut(line, []byte(":")); ok && bytes.EqualFold(bytes.TrimSpace(name), []byte("Return-Path")) {
			return string(bytes.Trim(bytes.TrimSpace(value), "<>"))
		}
	}
	return ""
}
