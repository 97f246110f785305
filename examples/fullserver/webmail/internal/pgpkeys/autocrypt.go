package pgpkeys

import (
	"encoding/base64"
	"strings"

	"github.com/buuta/mail/mime"
)

// Autocrypt returns the key that a message's header brings for its sender (Autocrypt 1.1 section 2.1); false where there is none, or more than one.
func Autocrypt(h *mime.Header, sender string) (key Key, found bool) {
	for f := range h.Fields("Autocrypt") {
		k, ok := autocryptField(f.Value(), sender)
		switch {
		case !ok:
		case found: // "If … more than one valid header is present, all Autocrypt headers MUST be discarded"
			return Key{}, false
		default:
			key, found = k, true
		}
	}
	return key, found
}

func autocryptField(value, sender string) (Key, bool) {
	var addr, data string
	for attribute := range strings.SplitSeq(value, ";") {
		name, v, _ := strings.Cut(attribute, "=")
		switch name = strings.TrimSpace(name); {
		case name == "addr":
			addr = strings.TrimSpace(v)
		case name == "keydata":
			data = strings.Join(strings.Fields(v), "")
		case name == "" || name == "prefer-encrypt" || strings.HasPrefix(name, "_"):
		default: // "critical": who doesn't know it must not use the field
			return Key{}, false
		}
	}
	if addr == "" || !strings.EqualFold(addr, sender) || len(data) > MaxInput {
		return Key{}, false
	}
	b, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		return Key{}, false
	}
	keys, err := Parse(b)
	if err != nil || len(keys) != 1 {
		return Key{}, false
	}
	return keys[0], true
}
