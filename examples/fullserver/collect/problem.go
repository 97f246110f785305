package collect

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/internal/outward"
	"github.com/buuta/mail/pop3"
)

// Problem is why an account could not be set up, or mail not be fetched.
type Problem struct {
	Code Code
	Said string `json:",omitempty"` // what the other server said to it, without the password
	Err  error  `json:"-"`          // for the log
}

// Code says which problem it is. There is a text for each.
type Code string

// What is wrong with the settings.
const (
	BadForm      Code = "form"
	BadHost      Code = "host"
	BadPort      Code = "port"
	BadUser      Code = "user"
	NoFolder     Code = "folder"
	NeedPassword Code = "needpassword" // for a new account, and for one that is reached in another way
	Twice        Code = "twice"        // the account is there already
	TooMany      Code = "many"
	TooOften     Code = "often"
	Gone         Code = "gone"
)

// What goes wrong with the other server.
const (
	NoSuchHost  Code = "nohost"
	Inside      Code = "inside" // its address is not one of the public internet
	Unreachable Code = "unreachable"
	Untrusted   Code = "untrusted" // its certificate
	BadTLS      Code = "badtls"
	NoSTLS      Code = "nostls"
	Password    Code = "password"
	NoLogin     Code = "nologin" // it knows no way to log in that we know
	InUse       Code = "inuse"
	NoUIDL      Code = "nouidl"
	Refused     Code = "refused"
	NotPOP3     Code = "notpop3"
	Slow        Code = "slow"
	Broken      Code = "broken" // the connection
)

// What goes wrong here.
const (
	Full Code = "full"
	Home Code = "home"
	Loop Code = "loop" // the account brings the mail of the mailbox that it fills
)

// Codes are all there are.
func Codes() []Code {
	return []Code{BadForm, BadHost, BadPort, BadUser, NoFolder, NeedPassword, Twice, TooMany, TooOften, Gone, NoSuchHost, Inside, Unreachable, Untrusted, BadTLS, NoSTLS, Password, NoLogin, InUse, NoUIDL,
		Refused, NotPOP3, Slow, Broken, Full, Home, Loop}
}

func (p *Problem) Error() string {
	s := "collect: " + string(p.Code)
	if p.Err != nil {
		s += ": " + p.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (p *Problem) Unwrap() error { return p.Err }

// homeError is one of what is kept here.
type homeError struct{ error }

func (h homeError) Unwrap() error { return h.error }

var errLoop = errors.New("the message has come from this mailbox")

// problemOf says what an error of a run is, without the password in any part of it.
func problemOf(err error, password string) *Problem {
	p := &Problem{Code: codeOf(err), Err: errors.New(hide(err.Error(), password))}
	if said, ok := errors.AsType[*pop3.Error](err); ok {
		p.Said = hide(said.Text, password)
		if r := []rune(p.Said); len(r) > 200 {
			p.Said = string(r[:200]) + "…"
		}
	}
	return p
}

func hide(s, password string) string {
	if password == "" {
		return s
	}
	return strings.ReplaceAll(s, password, "***")
}

func codeOf(err error) Code {
	if own, ok := errors.AsType[*Problem](err); ok {
		return own.Code
	}
	for _, c := range []struct {
		is   error
		code Code
	}{{errLoop, Loop}, {mail.ErrOverQuota, Full}, {mail.ErrNoMailbox, NoFolder}, {mail.ErrBadName, NoFolder}, {outward.ErrPrivate, Inside}, {outward.ErrPort, BadPort}, {pop3.ErrNoSTLS, NoSTLS},
		{pop3.ErrInUse, InUse}, {pop3.ErrNoMechanism, NoLogin}, {pop3.ErrNotSecured, NoLogin}} {
		if errors.Is(err, c.is) {
			return c.code
		}
	}
	if _, ok := errors.AsType[homeError](err); ok {
		return Home
	}
	if said, ok := errors.AsType[*pop3.Error](err); ok {
		return codeOfAnswer(said)
	}
	if errors.Is(err, mail.ErrAuthFailed) {
		return Password
	}
	return codeOfConnection(err)
}

// codeOfAnswer is for a server's "-ERR". Few servers say more than that when a password is wrong.
func codeOfAnswer(e *pop3.Error) Code {
	switch e.Command {
	case "UIDL":
		return NoUIDL
	case "USER", "PASS", "AUTH", "APOP":
		if e.Code == "" || e.Code == "AUTH" {
			return Password
		}
	}
	return Refused
}

func codeOfConnection(err error) Code {
	if name, ok := errors.AsType[*net.DNSError](err); ok && name.IsNotFound {
		return NoSuchHost
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return Untrusted
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return Unreachable
	}
	late, ok := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), ok && late.Timeout():
		return Slow
	case strings.HasPrefix(err.Error(), "pop3: TLS: "):
		return BadTLS
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, net.ErrClosed):
		return Broken
	}
	return NotPOP3
}
