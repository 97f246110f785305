package contacts

import (
	"encoding/base64"
	"strings"
)

// key reads a KEY that is one of OpenPGP: "ENCODING=b;TYPE=PGP" of version 3.0 (RFC 2426 section 3.7.2), or an address with the data in it of 4.0 (RFC 6350 section 6.8.1).
func (p property) key() (k Key, ok bool) {
	data, isData := strings.CutPrefix(p.value, "data:application/pgp-keys;base64,")
	pgp := isData
	for param := range strings.SplitSeq(p.params, ";") {
		name, v, _ := strings.Cut(param, "=")
		switch name = strings.ToUpper(name); {
		case name == "TYPE" && strings.EqualFold(v, "PGP"):
			pgp = true
		case name == "X-SEEN":
			k.Seen = v
		case name == "X-CONFIRMED":
			k.Confirmed = v == "1"
		}
	}
	if !pgp {
		return Key{}, false
	}
	b, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(data), ""))
	k.Data = b
	return k, err == nil && len(b) > 0
}

// line writes a key as version 3.0 has it.
func (k Key) line() string {
	s := "KEY;ENCODING=b;TYPE=PGP"
	if k.Seen != "" {
		s += ";X-SEEN=" + k.Seen
	}
	if k.Confirmed {
		s += ";X-CONFIRMED=1"
	}
	return s + ":" + base64.StdEncoding.EncodeToString(k.Data)
}
