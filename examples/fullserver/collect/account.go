// Package collect fetches users' mail from POP3 accounts elsewhere into their mailboxes here, as fetchmail does.
//
// A message is in the mailbox and its unique-id in a file, both synced, before the other server is told to remove it. What a crash repeats is the one message that
// was between the two, and of that the store knows for a day that it has come. Nothing is fetched twice because settings have changed, or because the account was taken out and set up again.
package collect

import (
	"net/netip"
	"strings"
	"time"

	"golang.org/x/net/idna"
)

// TLS says how the connection with the other server is kept secret.
type TLS string

// The ways.
const (
	TLSImplicit TLS = "tls"      // from the start, as on port 995
	TLSStart    TLS = "starttls" // by STLS, as on port 110
	TLSNone     TLS = "none"     // not at all: everybody on the way reads the password
)

// Forever is Account.Days for mail that stays at the other server.
const Forever = -1

// Account is a POP3 account elsewhere, as its user has set it up.
type Account struct {
	ID     string // "" for a new one
	Host   string // a name or an IP address
	Port   int
	TLS    TLS
	User   string
	Folder string // that its mail goes to
	Days   int    // after which it is removed at the other server; 0: at once, Forever: never
	Paused bool
}

// MaxDays bounds Account.Days.
const MaxDays = 3650

// check returns the account with its host as it is asked for, or what is wrong.
func (a Account) check(ports []uint16) (Account, error) {
	host := strings.TrimSuffix(strings.ToLower(strings.Trim(strings.TrimSpace(a.Host), "[]")), ".")
	if ip, err := netip.ParseAddr(host); err == nil && ip.Zone() == "" {
		a.Host = ip.String()
	} else if a.Host, err = idna.Lookup.ToASCII(host); err != nil || a.Host == "" || len(a.Host) > 253 || strings.ContainsAny(a.Host, ":/@ ") || strings.Contains(a.Host, "..") {
		return a, &Problem{Code: BadHost}
	}
	if a.Port < 1 || a.Port > 65535 || !allows(ports, a.Port) {
		return a, &Problem{Code: BadPort}
	}
	switch {
	case a.TLS != TLSImplicit && a.TLS != TLSStart && a.TLS != TLSNone, a.Days < Forever, a.Days > MaxDays:
		return a, &Problem{Code: BadForm}
	case !oneLine(a.User, 255):
		return a, &Problem{Code: BadUser}
	case !oneLine(a.Folder, 1000):
		return a, &Problem{Code: NoFolder}
	}
	return a, nil
}

func allows(ports []uint16, port int) bool {
	for _, p := range ports {
		if int(p) == port {
			return true
		}
	}
	return len(ports) == 0
}

func oneLine(s string, most int) bool {
	return s != "" && len(s) <= most && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\uFFFD' })
}

// source names what is fetched from: what has been filed from it is filed, however it is reached.
func (a *Account) source() string { return a.User + "@" + a.Host }

// reaches reports whether a password that was given for one goes to the same server, in the same way, with the other.
func (a *Account) reaches(b *Account) bool {
	return a.Host == b.Host && a.Port == b.Port && a.TLS == b.TLS && a.User == b.User
}

// Status is what has come of an account.
type Status struct {
	Ended    time.Time // of the last run; zero: there was none
	Fetched  int       // messages of the last run
	Total    int64
	TooLarge int      // that stayed at the other server in the last run
	Problem  *Problem // of the last run; nil: it went well
	Failures int      // runs without success, one after the other
	Refusals int      // of the password, one after the other
	Stopped  bool     // the password was refused too often, and isn't tried again by itself
}

// View is an account as its user sees it.
type View struct {
	Account
	Status
	Running bool
	Next    time.Time // of the next run; zero where none is due
}
