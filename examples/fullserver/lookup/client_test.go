package lookup

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// fake is a server at the other end of a pipe: serve gets each connection.
func fake(serve func(n int, r *bufio.Reader, conn net.Conn)) (o *Options, dials *atomic.Int32) {
	dials = new(atomic.Int32)
	return &Options{Dial: func(context.Context, string, string) (net.Conn, error) {
		n := int(dials.Add(1))
		client, server := net.Pipe()
		go func() {
			defer server.Close()
			serve(n, bufio.NewReader(server), server)
		}()
		return client, nil
	}}, dials
}

// answers gives one reply to each line, or netstring, that comes in.
func answers(reply func(request string) string) func(int, *bufio.Reader, net.Conn) {
	return func(_ int, r *bufio.Reader, conn net.Conn) {
		for {
			var request string
			first, err := r.Peek(1)
			if err != nil {
				return
			}
			if first[0] >= '0' && first[0] <= '9' {
				request, err = readNetstring(r, 1000)
			} else {
				request, err = r.ReadString('\n')
			}
			if err != nil {
				return
			}
			if _, err := io.WriteString(conn, reply(request)); err != nil {
				return
			}
		}
	}
}

// tcp_table(5): "get SPACE key NEWLINE"; "500 SPACE text NEWLINE: the requested data does not exist", "400: an error
// condition, try again later", "200: the request was successful"; "non-printable and whitespace are %XX".
func TestTCPTable(t *testing.T) {
	var asked string
	for reply, want := range map[string]string{
		"200 b@example.com\n":            "b@example.com",
		"200 two%20words%0a\n":           "two words\n",
		"200  led\r\n":                   "led",
		"500 no such key\n":              "",
		"400 later\n":                    "!the server fails",
		"300 what\n":                     "!unknown reply",
		"200\n":                          "!malformed",
		"200 %4\n":                       "!malformed",
		"200 %zz\n":                      "!malformed",
		"200 \xff\n":                     "!not UTF-8",
		"\n":                             "!malformed",
		"":                               "!EOF", // the fake answers nothing and hangs up below
		strings.Repeat("x", 5000) + "\n": "!limit exceeded",
	} {
		serve := answers(func(q string) string { asked = q; return reply })
		if reply == "" {
			serve = func(_ int, r *bufio.Reader, _ net.Conn) { r.ReadString('\n') }
		}
		o, _ := fake(serve)
		table, err := Open(context.Background(), "tcp:host:1", o)
		require.NoError(t, err)
		value, found, err := table.Find(context.Background(), "A b%c")
		if bad, ok := strings.CutPrefix(want, "!"); ok {
			require.ErrorContains(t, err, bad, "%q", reply)
			require.False(t, found)
			require.Empty(t, value)
			continue
		}
		require.NoError(t, err, "%q", reply)
		require.Equal(t, want, value)
		require.Equal(t, want != "", found)
		require.Equal(t, "get A%20b%25c\n", asked)
		require.NoError(t, Close(table))
	}
}

// socketmap_table(5): request "name SPACE key" as a netstring; OK SPACE data, NOTFOUND SPACE, TEMP, TIMEOUT, PERM.
func TestSocketmap(t *testing.T) {
	net := func(s string) string { return itoa(len(s)) + ":" + s + "," }
	var asked string
	for reply, want := range map[string]string{
		net("OK b c"):       "b c",
		net("NOTFOUND "):    "",
		net("TEMP db down"): "!TEMP",
		net("TIMEOUT slow"): "!TIMEOUT",
		net("PERM config"):  "!PERM",
		net("OK"):           "!malformed",
		net("ok x"):         "!malformed",
		net(""):             "!malformed",
		"3:abcd":            "!no netstring",
		"x":                 "!no netstring",
		":":                 "!no netstring",
		"999999999999:":     "!limit exceeded",
		"100001:":           "!limit exceeded",
		net("OK \xff"):      "!not UTF-8",
	} {
		o, _ := fake(answers(func(q string) string { asked = q; return reply }))
		table, err := Open(context.Background(), "socketmap:inet:host:1:name", o)
		require.NoError(t, err)
		value, found, err := table.Find(context.Background(), "Key")
		if bad, ok := strings.CutPrefix(want, "!"); ok {
			require.ErrorContains(t, err, bad, "%q", reply)
			require.False(t, found)
			require.Empty(t, value)
			continue
		}
		require.NoError(t, err, "%q", reply)
		require.Equal(t, want, value)
		require.Equal(t, want != "", found)
		require.Equal(t, "name Key", asked)
		require.NoError(t, Close(table))
	}
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + itoa(n%10)
}

// TestServerGoneMeanwhile: a connection that was kept and is dead by now costs nobody an answer; a server that takes connections and
// ends them at once is asked once.
func TestServerGoneMeanwhile(t *testing.T) {
	o, dials := fake(func(_ int, r *bufio.Reader, conn net.Conn) { // one answer a connection
		if _, err := r.ReadString('\n'); err == nil {
			io.WriteString(conn, "200 v\n")
		}
	})
	table, err := Open(context.Background(), "tcp:h:1", o)
	require.NoError(t, err)
	for range 3 {
		value, found, err := table.Find(context.Background(), "k")
		require.NoError(t, err)
		require.True(t, found)
		require.Equal(t, "v", value)
	}
	require.EqualValues(t, 3, dials.Load())

	o, dials = fake(func(int, *bufio.Reader, net.Conn) {})
	table, err = Open(context.Background(), "tcp:h:1", o)
	require.NoError(t, err)
	_, _, err = table.Find(context.Background(), "k")
	require.Error(t, err)
	require.EqualValues(t, 1, dials.Load())

	o.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("refused") }
	table, err = Open(context.Background(), "tcp:h:1", o)
	require.NoError(t, err)
	_, _, err = table.Find(context.Background(), "k")
	require.ErrorContains(t, err, "tcp:h:1: refused")
}

// TestLateAnswerIsNobodyElses: what a server says after the time for it was up is not taken for the answer to the next question.
func TestLateAnswerIsNobodyElses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, _ := fake(func(n int, r *bufio.Reader, conn net.Conn) {
			for {
				q, err := r.ReadString('\n')
				if err != nil {
					return
				}
				if n == 1 {
					time.Sleep(time.Minute)
				}
				io.WriteString(conn, "200 "+strings.TrimSpace(strings.TrimPrefix(q, "get "))+"\n")
			}
		})
		o.Limits.Timeout = 10 * time.Second
		table, err := Open(context.Background(), "tcp:h:1", o)
		require.NoError(t, err)
		start := time.Now()
		_, found, err := table.Find(context.Background(), "first")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.False(t, found)
		require.Equal(t, 10*time.Second, time.Since(start))
		value, found, err := table.Find(context.Background(), "second")
		require.NoError(t, err)
		require.True(t, found)
		require.Equal(t, "second", value)
		require.NoError(t, Close(table))
		time.Sleep(2 * time.Minute)
	})
}

// TestManyAskOneServer: each gets the answer to its own question, and who stops waiting harms nobody.
func TestManyAskOneServer(t *testing.T) {
	o, _ := fake(answers(func(q string) string { return "200 " + strings.TrimSpace(strings.TrimPrefix(q, "get ")) + "\n" }))
	table, err := Open(context.Background(), "tcp:h:1", o)
	require.NoError(t, err)
	done := make(chan error)
	for i := range 50 {
		go func() {
			key := "k" + itoa(i)
			ctx, cancel := context.WithCancel(context.Background())
			if i%5 == 0 {
				go cancel()
			}
			defer cancel()
			value, found, err := table.Find(ctx, key)
			switch {
			case err != nil && i%5 == 0:
				err = nil
			case err == nil && (!found || value != key):
				err = errors.New(key + " was answered " + value)
			}
			done <- err
		}()
	}
	for range 50 {
		require.NoError(t, <-done)
	}
	require.NoError(t, Close(table))
	_, _, err = table.Find(context.Background(), "k")
	require.Error(t, err)
}
