package scene

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/buuta/mail/smtp/mailauth/mailauthtest"
	"github.com/buuta/mail/smtp/mailauth/mailauthtest/nameserver"
	"github.com/stretchr/testify/require"
)

var (
	binary  string // fullserver, built once a package
	lacking string // why there can be no scene here
)

// nameserverAt is where the zones are served, at port 53.
const nameserverAt = "127.0.0.1"

// Scene is a site and its part of the Internet, until the test ends.
type Scene struct {
	t *testing.T
}

// New starts a scene with a zone for its name server, in the lines of package mailauthtest. There is one at a time.
func New(t *testing.T, zone string) *Scene {
	t.Helper()
	if lacking != "" {
		if os.Getenv("CI") == "true" {
			t.Fatal(lacking)
		}
		t.Skip(lacking)
	}
	ns, err := nameserver.StartAt(mailauthtest.MustParse(zone), nameserverAt+":53")
	require.NoError(t, err)
	t.Cleanup(func() { ns.Close() })
	s := &Scene{t}
	for line := range strings.Lines(zone) { // a host that isn't there refuses connections; its network is there
		if f := strings.Fields(line); len(f) == 3 && f[1] == "A" {
			s.Address(f[2])
		}
	}
	return s
}

// In is the scene for a part of its test.
func (s *Scene) In(t *testing.T) *Scene { return &Scene{t} }

// Address gives the machine an address, for a host or a client.
func (s *Scene) Address(addr string) {
	s.t.Helper()
	require.NoError(s.t, ip("address", "add", addr+"/32", "dev", "lo"))
}

// patience is how long something may take that happens at once on a machine with nothing else to do.
const patience = time.Minute

// Eventually waits until cond has nothing to say against it, or fails with what it last said.
func Eventually(t *testing.T, cond func() error) {
	t.Helper()
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := cond()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			require.NoError(t, err, "still not so after %v", patience)
		}
		<-tick.C
	}
}
