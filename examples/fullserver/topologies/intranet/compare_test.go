package intranet_test

import (
	"testing"

	"github.com/buuta/mail/examples/fullserver/topologies/internal/scene"
	"github.com/stretchr/testify/require"
)

// TestAsPostfix: Debian's Postfix, with the same files, says and does the same.
func TestAsPostfix(t *testing.T) {
	s := scene.New(t, scene.CompanyZone)
	s.Compare(scene.Comparison{
		Site: scene.Site{Addr: scene.BoxAddr, Folder: ".", Users: scene.CompanyUsers}, Zone: scene.CompanyZone, Trusted: scene.DeskAddr, Sender: "an@pc7.in.example.com",
		Own:    []string{"example.com", "box.in.example.com"},
		Others: []string{"in.example.com", "pc7.in.example.com", "example.net", "localhost", "example.org", "none.example"},
	})
}

// TestCheck: nothing is wrong with the folder.
func TestCheck(t *testing.T) {
	s := scene.New(t, scene.CompanyZone)
	require.Equal(t, "no problems found\n", s.Check(scene.Site{Addr: scene.BoxAddr, Folder: ".", Users: scene.CompanyUsers}))
}
