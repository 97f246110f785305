package pop3

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
)

// FormatUIDL makes a unique-id.
func FormatUIDL(t *testing.T, format string, validity uint32, uid mail.UID) string {
	f, err := parseUIDLFormat(format)
	require.NoError(t, err)
	return string(f.append(nil, validity, uid, mail.FileName{}))
}
