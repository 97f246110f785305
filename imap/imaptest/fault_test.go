package imaptest_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
	"github.com/buuta/mail/imap/imaptest"
)

// dial connects a client that has INBOX open.
func dial(ctx context.Context, srv *imaptest.Server) (*imapclient.Client, error) {
	c, err := imapclient.Dial(ctx, "imaptest.example:143", &imapclient.Options{Dial: srv.Dial,
		Auth: &mail.Credentials{Username: imaptest.Username, Password: imaptest.Password}})
	if err == nil {
		_, err = c.Select(ctx, "INBOX", nil)
	}
	return c, err
}

// Each fault does what it says, and no more: the command behind it is answered as ever.
func TestFaults(t *testing.T) {
	text := "Subject: x\n\n" + strings.Repeat("0123456789\n", 1000)
	for name, x := range map[string]struct {
		fault imaptest.Fault
		took  time.Duration
		check func(t *testing.T, m *imapclient.Message, err error)
		lost  bool
	}{
		"none":  {fault: imaptest.Fault{Command: "NOOP", Delay: time.Hour}},
		"delay": {fault: imaptest.Fault{Delay: time.Minute}, took: time.Minute},
		"rate":  {fault: imaptest.Fault{Rate: 1200}, took: 10 * time.Second},
		"stall": {fault: imaptest.Fault{Stall: time.Minute, StallAt: 5000}, took: time.Minute},
		"drop": {fault: imaptest.Fault{Drop: true}, lost: true, check: func(t *testing.T, _ *imapclient.Message, err error) {
			require.ErrorIs(t, err, imapclient.ErrClosed)
		}},
		"cut": {fault: imaptest.Fault{Cut: 100}, lost: true, check: func(t *testing.T, _ *imapclient.Message, err error) {
			require.ErrorIs(t, err, imapclient.ErrClosed)
		}},
		"reply": {fault: imaptest.Fault{Reply: "TAG NO [UNAVAILABLE] not now\r\n"}, check: func(t *testing.T, _ *imapclient.Message, err error) {
			require.Equal(t, imap.CodeUnavailable, imapclient.CodeOf(err))
		}},
		"a lie": {fault: imaptest.Fault{Edit: func(line string) string { return strings.Replace(line, "UID 1 ", "UID 7 ", 1) }}, check: func(t *testing.T, _ *imapclient.Message, err error) {
			require.ErrorIs(t, err, mail.ErrExpunged)
		}},
		"something kept back": {fault: imaptest.Fault{Edit: func(line string) string {
			if strings.HasPrefix(line, "A") {
				return line
			}
			return ""
		}}, check: func(t *testing.T, _ *imapclient.Message, err error) { require.Error(t, err) }},
		"something made up": {fault: imaptest.Fault{Edit: func(line string) string {
			if strings.HasPrefix(line, "A") {
				return "* 99 EXISTS\r\n" + line
			}
			return line
		}}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := imaptest.NewServer(t)
				srv.Add("INBOX", text)
				c, err := dial(t.Context(), srv)
				require.NoError(t, err)
				if x.fault.Command == "" {
					x.fault.Command = "UID FETCH"
				}
				x.fault.Times = 1
				srv.Fail(x.fault)
				start := time.Now()
				m, err := c.FetchOne(t.Context(), 1, imapclient.Peek(imap.Section{}))
				if x.check != nil {
					x.check(t, m, err)
				} else {
					require.NoError(t, err)
					data, _ := m.Section(imap.Section{})
					require.Equal(t, strings.ReplaceAll(text, "\n", "\r\n"), string(data))
				}
				require.InDelta(t, x.took.Seconds(), time.Since(start).Seconds(), 1)
				if x.lost {
					require.Error(t, c.Noop(t.Context()))
				} else if x.fault.Command != "NOOP" && name != "something kept back" {
					start = time.Now()
					require.NoError(t, c.Noop(t.Context()))
					require.Less(t, time.Since(start), time.Second)
				}
				_ = c.Close()
				srv.Close()
			})
		})
	}
}

func TestGreetingFaults(t *testing.T) {
	srv := imaptest.NewServer(t)
	srv.Fail(imaptest.Fault{Command: imaptest.Greeting, Times: 1, Reply: "* BYE [UNAVAILABLE] Too many connections\r\n", Drop: true})
	_, err := dial(t.Context(), srv)
	require.Equal(t, imap.CodeUnavailable, imapclient.CodeOf(err), "%v", err)
	srv.Fail(imaptest.Fault{Command: imaptest.Greeting, Times: 1, Edit: func(string) string { return "220 smtp.example ESMTP" }})
	_, err = dial(t.Context(), srv)
	require.ErrorContains(t, err, "no IMAP server")
	srv.Fail(imaptest.Fault{Times: 1, Command: "SELECT", Reply: "TAG NO no\r\n"})
	_, err = dial(t.Context(), srv)
	require.True(t, imapclient.Refused(err))
	c, err := dial(t.Context(), srv)
	require.NoError(t, err)
	require.NoError(t, c.Logout(t.Context()))
}
