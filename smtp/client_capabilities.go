package smtp

import (
	"iter"
	"strconv"
	"strings"
)

// Capabilities are the keywords that a server announced in its reply to EHLO or LHLO, with their parameters, in their
// order, also those this package doesn't know. The zero value has none, as after HELO.
type Capabilities struct {
	list  []capability
	known Extension
}

type capability struct{ keyword, params string }

// Has reports whether the server announced all of x.
func (c Capabilities) Has(x Extension) bool { return c.known.Has(x) }

// Get returns the parameters of a keyword, in any case of letters, and whether it was announced.
func (c Capabilities) Get(keyword string) (params string, ok bool) {
	for _, e := range c.list {
		if strings.EqualFold(e.keyword, keyword) {
			return e.params, true
		}
	}
	return "", false
}

// All returns the keywords, in upper case, with their parameters.
func (c Capabilities) All() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, e := range c.list {
			if !yield(e.keyword, e.params) {
				return
			}
		}
	}
}

// MaxSize returns the largest message that the server takes in octets, 0 when it doesn't say (RFC 1870 section 4).
func (c Capabilities) MaxSize() int64 {
	p, _ := c.Get("SIZE")
	n, err := strconv.ParseInt(p, 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// AuthMechanisms returns the SASL mechanisms offered (RFC 4954 section 3).
func (c Capabilities) AuthMechanisms() []string {
	p, _ := c.Get("AUTH")
	return strings.Fields(strings.ToUpper(p))
}

// Limit returns a value of LIMITS, such as RCPTMAX or MAILMAX, 0 when it isn't announced (RFC 9422 section 4).
func (c Capabilities) Limit(name string) int {
	p, _ := c.Get("LIMITS")
	for f := range strings.FieldsSeq(p) {
		if k, v, ok := strings.Cut(f, "="); ok && strings.EqualFold(k, name) {
			if n, err := strconv.Atoi(v); err == nil && n > 0 && len(v) <= 6 {
				return n
			}
		}
	}
	return 0
}

// parseCapabilities reads an EHLO reply, whose first line is the server's name (RFC 5321 section 4.1.1.1). A keyword
// that comes twice counts once. "AUTH=LOGIN", which old servers write, isn't a keyword and isn't taken for one.
func parseCapabilities(text string) Capabilities {
	var c Capabilities
	for i, line := range strings.Split(text, "\n") {
		keyword, params, _ := strings.Cut(strings.TrimSpace(line), " ")
		if i == 0 || keyword == "" {
			continue
		}
		if _, ok := c.Get(keyword); ok {
			continue
		}
		c.list = append(c.list, capability{strings.ToUpper(keyword), strings.TrimSpace(params)})
		c.known |= ParseExtension(keyword)
	}
	return c
}
