package isp_test

import (
	"testing"

	"github.com/buuta/mail/examples/fullserver/topologies/internal/scene"
	"github.com/stretchr/testify/require"
)

// TestAsPostfix: Debian's Postfix, with the same files, says and does the same.
func TestAsPostfix(t *testing.T) {
	s := scene.New(t, zone)
	s.Compare(scene.Comparison{
		Site: scene.Site{Addr: addr, Folder: ".", Users: users}, Zone: zone, Trusted: "127.0.0.1", Sender: "lan@an.example",
		Own:    []string{"an.example", "an-shop.example", "binh.example", "big.example", "own-host.example", "example.net", "mx1.example.net"},
		Others: []string{"example.org", "none.example"},
	})
}

// TestCheck: nothing is wrong with the folder.
func TestCheck(t *testing.T) {
	s := scene.New(t, zone)
	require.Equal(t, "no problems found\n", s.Check(scene.Site{Addr: addr, Folder: ".", Users: users}))
}
