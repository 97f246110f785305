package mime

import (
	"strings"
	"time"
)

const monthNames = "janfebmaraprmayjunjulaugsepoctnovdec"

// word reads the name of a month, a zone, AM or PM, and passes over days of the week.
func (p *dateParser) word() bool {
	start := p.i
	for p.i < len(p.s) && isLetter(p.s[p.i]) {
		p.i++
	}
	w := strings.ToLower(p.s[start:p.i])
	if len(w) >= 3 && p.month == 0 {
		if m := strings.Index(monthNames, w[:3]); m >= 0 && m%3 == 0 {
			p.month = time.Month(m/3 + 1)
			return true
		}
	}
	switch {
	case w == "am" || w == "pm":
		p.am, p.pm = w == "am", w == "pm"
	case w == "t" && p.hour < 0:
	case p.hour >= 0 && !p.hasZone:
		if m, ok := zoneMinutes(w); ok {
			p.zone = m
			p.hasZone = w != "gmt" && w != "utc" && w != "ut" // "GMT+0200" is met
		}
	}
	return true
}

// zoneMinutes knows the names of RFC 5322 section 4.3 and of a few zones more. Others and the military letters
// but Z "SHOULD be considered equivalent to -0000".
func zoneMinutes(w string) (int, bool) {
	switch w {
	case "ut", "gmt", "utc", "z":
		return 0, true
	case "edt":
		return -4 * 60, true
	case "est", "cdt":
		return -5 * 60, true
	case "cst", "mdt":
		return -6 * 60, true
	case "mst", "pdt":
		return -7 * 60, true
	case "pst":
		return -8 * 60, true
	case "cet", "met", "bst":
		return 60, true
	case "cest", "mest", "eet":
		return 2 * 60, true
	case "msk", "eest":
		return 3 * 60, true
	case "ict":
		return 7 * 60, true
	case "jst", "kst":
		return 9 * 60, true
	}
	return 0, false
}
