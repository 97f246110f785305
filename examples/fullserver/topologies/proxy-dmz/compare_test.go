package proxydmz_test

import (
	"testing"

	"github.com/buuta/mail/examples/fullserver/topologies/internal/scene"
	"github.com/stretchr/testify/require"
)

// TestAsPostfix: Debian's Postfix, with the same files, says and does the same.
func TestAsPostfix(t *testing.T) {
	s := scene.New(t, scene.CompanyZone)
	s.Compare(scene.Comparison{
		Site: scene.Site{Addr: scene.GateAddr, Folder: ".", Users: scene.CompanyUsers}, Zone: scene.CompanyZone, Trusted: scene.BoxAddr, Sender: "an@example.com",
		Own:    []string{"example.com", "example.net", "gate.example.com"},
		Others: []string{"in.example.com", "localhost", "example.org", "none.example", "localhost.example.com"},
	})
}

// TestCheck: nothing is wrong with the folder.
func TestCheck(t *testing.T) {
	s := scene.New(t, scene.CompanyZone)
	require.Equal(t, "no problems found\n", s.Check(scene.Site{Addr: scene.GateAddr, Folder: "."}))
}
