package explain

import "strings"

// Machine is a protocol's states and the ways between them, as they are drawn.
type Machine struct {
	Main  []string // from the connection on, one behind the other
	Side  []string // beside them
	Edges []Edge
}

// Edge is a way from one state to another, which what is said opens.
type Edge struct{ From, To, By string }

var machines = map[Protocol]Machine{
	SMTP: machine("smtp", "connect greeted ready mail rcpt data", "auth tls closed",
		"connect greeted 220|greeted ready EHLO|ready mail MAIL|mail rcpt RCPT|rcpt rcpt RCPT|rcpt data DATA|data ready .|greeted mail MAIL|greeted auth AUTH|greeted tls STARTTLS|mail ready RSET|rcpt ready RSET|"+
			"ready auth AUTH|auth ready 235|ready tls STARTTLS|tls greeted TLS|mail auth AUTH|rcpt auth AUTH|rcpt mail MAIL|* closed QUIT"),
	POP3: machine("pop3", "connect auth user trans", "sasl tls closed",
		"connect auth +OK|auth user USER|user trans PASS|user user USER|user auth -ERR|auth trans APOP|auth sasl AUTH|user sasl AUTH|sasl trans +OK|sasl auth -ERR|auth tls STLS|user tls STLS|tls auth TLS|* closed QUIT"),
	POP2: machine("pop2", "connect call nmbr size xfer", "closed",
		"connect call +|call nmbr HELO|nmbr nmbr FOLD|nmbr size READ|size size READ|size nmbr FOLD|size xfer RETR|xfer size ACKD|* closed QUIT"),
	IMAP: machine("imap", "connect notauth auth selected", "sasl tls idle closed",
		"connect notauth OK|connect auth PREAUTH|notauth auth LOGIN|auth selected SELECT|selected selected SELECT|selected auth CLOSE|auth notauth UNAUTHENTICATE|selected notauth UNAUTHENTICATE|notauth sasl AUTHENTICATE|sasl auth OK|"+
			"sasl notauth NO|notauth tls STARTTLS|tls notauth TLS|auth idle IDLE|idle auth DONE|selected idle IDLE|idle selected DONE|auth sasl AUTHENTICATE|selected sasl AUTHENTICATE|sasl selected NO|* closed LOGOUT"),
}

// MachineOf is a protocol's machine. LMTP's is SMTP's.
func MachineOf(p Protocol) Machine {
	if p == LMTP {
		p = SMTP
	}
	return machines[p]
}

func machine(prefix, main, side, edges string) Machine {
	named := func(list string) []string {
		var out []string
		for w := range strings.FieldsSeq(list) {
			out = append(out, prefix+"."+w)
		}
		return out
	}
	m := Machine{Main: named(main), Side: named(side)}
	for e := range strings.SplitSeq(edges, "|") {
		f := strings.Fields(e)
		if f[0] == "*" {
			for _, from := range append(append([]string{}, m.Main...), m.Side...) {
				if to := prefix + "." + f[1]; from != to {
					m.Edges = append(m.Edges, Edge{from, to, f[2]})
				}
			}
			continue
		}
		m.Edges = append(m.Edges, Edge{prefix + "." + f[0], prefix + "." + f[1], f[2]})
	}
	return m
}

// Leads reports whether there is a way from one state to another.
func (m Machine) Leads(from, to string) bool {
	for _, e := range m.Edges {
		if e.From == from && e.To == to {
			return true
		}
	}
	return from == to
}
