package collect

import "time"

// Nudge has Run look at what is due: its clock may be a test's.
func (c *Collector) Nudge() { c.nudge() }

// What tests look at.
var (
	ParseSeen = parseSeen
	OpenSeen  = openSeen
)

// ParseBook reads a user's file.
func ParseBook(b []byte) (user string, accounts []Account, err error) {
	var k book
	err = parseBook(b, &k)
	for _, e := range k.Accounts {
		if err == nil {
			accounts = append(accounts, e.Account)
		}
	}
	return k.User, accounts, err
}

// SeenFile names the file of an account's unique-ids.
func (c *Collector) SeenFile(user string, a Account) string { return c.seenFile(user, &a) }

// Due is when an account is looked at again, so many failures and refusals after a run that ended at some time.
func Due(ended time.Time, failures, refusals int, interval time.Duration) time.Time {
	return (&entry{Status: Status{Ended: ended, Failures: failures, Refusals: refusals}}).due(interval)
}
