package mailboxdmz_test

import (
	"testing"

	"github.com/buuta/mail/examples/fullserver/topologies/internal/scene"
	"github.com/stretchr/testify/require"
)

// TestAsPostfix: Debian's Postfix, with the same files, says and does the same.
func TestAsPostfix(t *testing.T) {
	s := scene.New(t, zone)
	s.Compare(scene.Comparison{
		Site: site, Zone: zone, Trusted: "127.0.0.1", Sender: "an@example.com",
		Own:    []string{"example.com", "mail.example.com", "example.net"},
		Others: []string{"localhost", "example.org", "none.example", "localhost.example.com"},
	})
}

// TestCheck: nothing is wrong with the folder.
func TestCheck(t *testing.T) {
	s := scene.New(t, zone)
	require.Equal(t, "no problems found\n", s.Check(site))
}
