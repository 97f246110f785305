package mailauth

import (
	"bufio"
	"bytes"
	"io"

	"github.com/buuta/mail/smtp/mailauth/authres"
	"github.com/buuta/mail/smtp/mailauth/internal/signed"
)

// Clean returns a message without the Authentication-Results fields that say to be from one of ids, our authserv-ids: only
// those that we add ourselves may (RFC 8601 section 5). maxHeader bounds the header in octets, 0: 1 MiB. removed is how many
// there were. Everything else stays octet by octet.
func Clean(message io.Reader, maxHeader int, ids ...string) (cleaned io.Reader, removed int, err error) {
	if maxHeader <= 0 {
		maxHeader = 1 << 20
	}
	r := bufio.NewReader(message)
	h, end, err := signed.ReadHeaderEnd(r, maxHeader)
	if err != nil {
		return nil, 0, err
	}
	var head bytes.Buffer
	for _, f := range h {
		if f.Is("Authentication-Results") && authres.Claims(f.Value(), ids...) {
			removed++
			continue
		}
		head.Write(f)
	}
	head.Write(end)
	return io.MultiReader(&head, r), removed, nil
}
