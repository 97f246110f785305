package dovefile

import (
	"bytes"
	"maps"
	"slices"
)

// Dict is what a file of Dovecot's "file" dictionary holds: keys and values of any octets.
type Dict map[string]string

// ParseDict reads a dictionary: a line with the key, a line with its value. Of a key that stands there twice the last counts; a
// key without a whole value line is left out.
func ParseDict(raw []byte) Dict {
	d := Dict{}
	for {
		key, rest, ok := bytes.Cut(raw, []byte("\n"))
		if !ok {
			return d
		}
		value, rest, ok := bytes.Cut(rest, []byte("\n"))
		if !ok {
			return d
		}
		d[unescape.Replace(string(key))] = unescape.Replace(string(value))
		raw = rest
	}
}

// Format writes a dictionary, in the order of keys.
func (d Dict) Format() []byte {
	var b []byte
	for _, key := range slices.Sorted(maps.Keys(d)) {
		b = append(b, escape.Replace(key)...)
		b = append(b, '\n')
		b = append(b, escape.Replace(d[key])...)
		b = append(b, '\n')
	}
	return b
}
