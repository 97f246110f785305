package queue

import (
	"time"

	"github.com/buuta/mail"
)

// Message is a message in the queue, without its content.
type Message struct {
	ID         string
	From       string // "" is the null sender
	Options    mail.MailOptions
	Recipients []Recipient
	First      int // which of the message's recipients Recipients begins with; not 0 in later parts of a long list only
	Arrived    time.Time
	Size       int64 // octets of the content
	Warned     bool  // the sender has been told of the delay
	Order      Order // what an operator wants done with it

	seen func(*Outcome) // is told of each in the journal
}

// Recipient is one recipient of a message and how far it has come.
type Recipient struct {
	Address string
	Options mail.RcptOptions
	State   RecipientState
	Owed    bool    // a notification about State has still to be made
	Last    Attempt // the last attempt; zero before the first
}

// RecipientState says how far a recipient has come.
type RecipientState byte

// The states of a recipient. The values are the letters that mark them in a queue file.
const (
	Pending   RecipientState = 'P' // to be tried, or to be tried again
	Delivered RecipientState = 'D' // somebody else has responsibility
	Failed    RecipientState = 'F' // given up
)

// Attempt is how one attempt for a recipient ended.
type Attempt struct {
	Time     time.Time // zero: there was none
	Reply    *mail.Reply
	Relay    string // who answered; "" for nobody
	Detail   string // as mail.Result has it
	Final    bool   // delivered into a mailbox, not relayed
	Expanded bool   // to the members of a list, who are recipients of their own
	Expired  bool   // given up because of the message's age; Reply is that of the last attempt
}

// Order is what an operator, or with Route whoever queued it, wants done with a message. It stays in force while the message is in the queue. The zero value
// wants nothing.
type Order struct {
	Expire bool        // try once more, then give it up as if its lifetime were over
	Fail   *mail.Reply // give it up without a further attempt, for this reason, which is 5yz
	Route  *Route      // deliver all recipients this way instead of that of [Queue.Route]; without a Nexthop to their domains
}

// Outcome is how an attempt ended for some recipients of a message.
type Outcome struct {
	Recipients []int // which of the message's recipients, counted from 0, whatever part of them is in memory
	State      RecipientState
	Owed       bool // a notification has to be made
	Attempt
}

// State is where in the queue a message is.
type State string

// The states of a message, which are the names of the [Spool]'s folders.
const (
	Incoming State = "incoming" // accepted, not yet looked at
	Active   State = "active"   // leased: being delivered
	Deferred State = "deferred" // waiting for its time
	Held     State = "hold"     // waiting for an operator
	Corrupt  State = "corrupt"  // damaged, set aside
)
