package scene

// Example.com in two halves, which the folders intranet and proxy-dmz are: a host in the DMZ, and one inside, with the mailboxes.
const (
	GateAddr = "192.0.2.25"   // gate.example.com
	BoxAddr  = "10.1.1.25"    // box.in.example.com
	DeskAddr = "10.1.4.7"     // a machine inside
	PeerAddr = "203.0.113.25" // mail.example.net, a friend's, whose backup MX the gate is

	// CompanyZone is what the name server knows of them: inside and outside in one.
	CompanyZone = FarZone + `
example.com MX 10 gate.example.com
gate.example.com A 192.0.2.25
192.0.2.25 PTR gate.example.com
box.in.example.com A 10.1.1.25
10.1.1.25 PTR box.in.example.com
pc7.in.example.com A 10.1.4.7
10.1.4.7 PTR pc7.in.example.com
example.net MX 10 mail.example.net
example.net MX 20 gate.example.com
mail.example.net A 203.0.113.25
203.0.113.25 PTR mail.example.net
`
)

// CompanyUsers are those of example.com.
var CompanyUsers = []string{"an@example.com", "binh@example.com", "chi@example.com"}

// Gate starts the host in the DMZ. Folder is where it is from the test's.
func (s *Scene) Gate(kind, folder string) *Host {
	s.t.Helper()
	return s.Host(kind, Site{Addr: GateAddr, Folder: folder})
}

// Box starts the host inside.
func (s *Scene) Box(kind, folder string) *Host {
	s.t.Helper()
	return s.Host(kind, Site{Addr: BoxAddr, Folder: folder, Users: CompanyUsers})
}

// Peer starts the friend's host, with the user duc.
func (s *Scene) Peer(kind string) *Host {
	s.t.Helper()
	return s.Host(kind, Site{
		Addr: PeerAddr, Users: []string{"duc@example.net"},
		Files: map[string]string{"main.cf": `compatibility_level = 3.6
myhostname = mail.example.net
mydestination =
virtual_mailbox_domains = example.net
mynetworks = 127.0.0.0/8
alias_maps =
smtp_listen = 203.0.113.25:25
imap_listen = 203.0.113.25:143
`},
	})
}
