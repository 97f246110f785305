package scene

// The rest of the Internet, as far as mail goes: one provider with a mailbox host for example.org, a client with a name of its own, and a
// machine that has none.
const (
	Stranger = "198.51.100.77" // client.example.org
	Nobody   = "203.0.113.9"   // has no name
	FarAddr  = "198.51.100.25" // mx.example.org
	// FarZone is what the name server knows of it.
	FarZone = `
example.org MX 10 mx.example.org
mx.example.org A 198.51.100.25
198.51.100.25 PTR mx.example.org
client.example.org A 198.51.100.77
198.51.100.77 PTR client.example.org
client.example A 198.51.100.77
`
)

// Far starts the mailbox host of example.org, with the users partner, friend and sender. It says no to nobody@example.org.
func (s *Scene) Far(kind string, params ...string) *Host {
	s.t.Helper()
	return s.Host(kind, Site{
		Addr: FarAddr, Params: params, Users: []string{"partner@example.org", "friend@example.org", "sender@example.org"},
		Files: map[string]string{"main.cf": `compatibility_level = 3.6
myhostname = mx.example.org
mydomain = example.org
mydestination =
virtual_mailbox_domains = example.org
mynetworks = 198.51.100.77
alias_maps =
recipient_delimiter = +
smtp_listen = 198.51.100.25:25
imap_listen = 198.51.100.25:143
`},
	})
}
