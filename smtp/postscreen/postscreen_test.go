package postscreen_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/netip"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/buuta/mail/internal/testnet"
	"github.com/buuta/mail/smtp/dnsbl"
	"github.com/buuta/mail/smtp/postscreen"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// doors is a listener in memory.
type doors struct {
	c      chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newDoors() *doors { return &doors{c: make(chan net.Conn), closed: make(chan struct{})} }

func (d *doors) Accept() (net.Conn, error) {
	select {
	case c := <-d.c:
		return c, nil
	case <-d.closed:
		return nil, net.ErrClosed
	}
}
func (d *doors) Close() error   { d.once.Do(func() { close(d.closed) }); return nil }
func (d *doors) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 25), Port: 25} }

// named is a connection with addresses.
type named struct {
	net.Conn
	remote net.Addr
}

func (c named) RemoteAddr() net.Addr { return c.remote }
func (c named) LocalAddr() net.Addr  { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 25), Port: 25} }

// come connects from an address.
func (d *doors) come(ip string) net.Conn {
	ours, theirs := net.Pipe()
	d.c <- named{theirs, &net.TCPAddr{IP: net.ParseIP(ip), Port: 4711}}
	return ours
}

// site is a Screen before a server that greets and repeats what it gets.
type site struct {
	d    *doors
	l    net.Listener
	mu   sync.Mutex
	log  []string
	done sync.WaitGroup
}

func start(s *postscreen.Screen) *site {
	x := &site{d: newDoors()}
	s.Hostname = "mx.test"
	s.Log = func(line string) {
		x.mu.Lock()
		defer x.mu.Unlock()
		x.log = append(x.log, line)
	}
	x.l = s.Listen(x.d)
	x.done.Go(func() {
		for {
			c, err := x.l.Accept()
			if err != nil {
				return
			}
			x.done.Go(func() {
				defer c.Close()
				fmt.Fprintf(c, "220 server for %s\r\n", c.RemoteAddr())
				_, _ = io.Copy(c, c)
			})
		}
	})
	return x
}

func (x *site) end() {
	_ = x.l.Close()
	x.done.Wait()
}

func (x *site) logged() []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return append([]string(nil), x.log...)
}

func line(t *testing.T, c net.Conn) string {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(time.Minute))
	s, err := bufio.NewReaderSize(c, 16).ReadString('\n')
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(s, "\r\n")
}

// The wait is 6 s the first time; afterwards there is none, until postscreen_greet_ttl has run out.
func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cache, err := postscreen.OpenCache("", postscreen.CacheOptions{})
		require.NoError(t, err)
		x := start(&postscreen.Screen{Cache: cache, Teaser: "mx.test", Greet: postscreen.Drop})
		defer x.end()
		for i, want := range []time.Duration{6 * time.Second, 0, 6 * time.Second} {
			began := time.Now()
			c := x.d.come("198.51.100.7")
			if want > 0 {
				require.Equal(t, "220-mx.test", line(t, c))
			}
			require.Equal(t, "220 server for 198.51.100.7:4711", line(t, c))
			require.Equal(t, want, time.Since(began), i)
			c.Close()
			if i == 1 {
				time.Sleep(24 * time.Hour)
			}
		}
		c := x.d.come("198.51.100.8")
		require.Equal(t, "220-mx.test", line(t, c))
		fmt.Fprint(c, "HELO x\r\n")
		require.Equal(t, "521 5.5.1 Protocol error", line(t, c))
		require.Empty(t, line(t, c))
		synctest.Wait()
		require.Equal(t, []string{
			"CONNECT from [198.51.100.7]:4711 to [192.0.2.25]:25", "PASS NEW [198.51.100.7]:4711",
			"CONNECT from [198.51.100.7]:4711 to [192.0.2.25]:25", "PASS OLD [198.51.100.7]:4711",
			"CONNECT from [198.51.100.7]:4711 to [192.0.2.25]:25", "PASS OLD [198.51.100.7]:4711",
			"CONNECT from [198.51.100.8]:4711 to [192.0.2.25]:25", `PREGREET 8 after 0 from [198.51.100.8]:4711: HELO x\r\n`, "DISCONNECT [198.51.100.8]:4711",
		}, x.logged())
	})
}

// list is a resolver that answers after a time.
type list struct {
	answers map[string]string
	after   time.Duration
}

func (l list) LookupNetIP(ctx context.Context, _, host string) ([]netip.Addr, error) {
	select {
	case <-time.After(l.after):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if a := l.answers[strings.TrimSuffix(host, ".")]; a != "" {
		return []netip.Addr{netip.MustParseAddr(a)}, nil
	}
	return nil, &net.DNSError{IsNotFound: true}
}

func zones(t *testing.T, names ...string) (out []dnsbl.Zone) {
	for _, n := range names {
		z, err := dnsbl.ParseZone(n)
		require.NoError(t, err)
		out = append(out, z)
	}
	return out
}

// A list that vouches ends the wait as soon as it has answered. One that doesn't answer in time says nothing, and is asked again soon.
func TestLists(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cache, err := postscreen.OpenCache("", postscreen.CacheOptions{})
		require.NoError(t, err)
		x := start(&postscreen.Screen{Cache: cache, Zones: zones(t, "white.test*-1", "bl.test"), AllowThreshold: -1, Listed: postscreen.Drop, Greet: postscreen.Drop,
			Resolver: list{map[string]string{"7.100.51.198.white.test": "127.0.0.2", "8.100.51.198.bl.test": "127.0.0.2"}, time.Second}})
		began := time.Now()
		c := x.d.come("198.51.100.7")
		require.Equal(t, "220 server for 198.51.100.7:4711", line(t, c))
		require.Equal(t, time.Second, time.Since(began))
		c.Close()
		c = x.d.come("198.51.100.8")
		require.Equal(t, "521 5.7.1 Service unavailable; client [198.51.100.8] blocked using bl.test", line(t, c))
		x.end()

		x = start(&postscreen.Screen{Cache: cache, Zones: zones(t, "bl.test"), Listed: postscreen.Drop,
			Resolver: list{map[string]string{"9.100.51.198.bl.test": "127.0.0.2"}, time.Minute}})
		defer x.end()
		for _, wait := range []time.Duration{6 * time.Second, 0, 6 * time.Second} {
			began = time.Now()
			c = x.d.come("198.51.100.9")
			require.Equal(t, "220 server for 198.51.100.9:4711", line(t, c))
			require.Equal(t, wait, time.Since(began))
			c.Close()
			if wait == 0 {
				time.Sleep(time.Minute)
			}
		}
		require.Contains(t, strings.Join(x.logged(), "\n"), "warning: dnsblog: 9.100.51.198.bl.test: context deadline exceeded")
	})
}

// What a client said early is what the server reads first, where that is let pass.
func TestEarlyIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := start(&postscreen.Screen{})
		defer x.end()
		c := x.d.come("198.51.100.7")
		go fmt.Fprint(c, "EHLO a\r\nNOOP\r\n")
		r := bufio.NewReader(c)
		for _, want := range []string{"220 server for 198.51.100.7:4711\r\n", "EHLO a\r\n", "NOOP\r\n"} {
			got, err := r.ReadString('\n')
			require.NoError(t, err)
			require.Equal(t, want, got)
		}
		c.Close()
	})
}

// A closed listener ends those that are being tested, in whatever state they are, and leaves those alone that have passed.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := start(&postscreen.Screen{Pipelining: postscreen.Test{Enable: true}, Access: func(a netip.Addr) postscreen.Access {
			if a == netip.MustParseAddr("198.51.100.1") {
				return postscreen.Permit
			}
			return postscreen.Unknown
		}})
		passed := x.d.come("198.51.100.1")
		require.Equal(t, "220 server for 198.51.100.1:4711", line(t, passed))
		talking := x.d.come("198.51.100.2")
		require.Equal(t, "220 mx.test ESMTP", line(t, talking))
		waiting := x.d.come("198.51.100.3")
		synctest.Wait()
		go x.end()
		require.Equal(t, "421 4.3.2 Service currently unavailable", line(t, talking))
		require.Equal(t, "421 4.3.2 Service currently unavailable", line(t, waiting))
		require.Empty(t, line(t, talking))
		go fmt.Fprint(passed, "still here\r\n")
		require.Equal(t, "still here", line(t, passed))
		passed.Close()
		_, err := x.l.Accept()
		require.ErrorIs(t, err, net.ErrClosed)
		synctest.Wait()
	})
}

// Limits bound connections: of an address, being tested, and waiting for Accept. Permitted clients are not tested and don't count there.
func TestLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &postscreen.Screen{Limits: postscreen.Limits{PerAddr: 2, Testing: 3, Waiting: 1}, Access: func(a netip.Addr) postscreen.Access {
			if a.Is6() {
				return postscreen.Permit
			}
			return postscreen.Unknown
		}}
		d := newDoors()
		l := s.Listen(d)
		go func() { // a server that doesn't accept but once
			c, err := l.Accept()
			if err == nil {
				c.Close()
			}
		}()
		var all []net.Conn
		for range 2 {
			all = append(all, d.come("198.51.100.1"))
		}
		synctest.Wait()
		require.Equal(t, "421 4.7.0 Error: too many connections", line(t, d.come("198.51.100.1")))
		all = append(all, d.come("198.51.100.2"))
		synctest.Wait()
		require.Equal(t, 3, s.Testing())
		require.Equal(t, "421 4.3.2 All screening ports are busy", line(t, d.come("198.51.100.3")))
		all = append(all, d.come("2001:db8::1"), d.come("2001:db8::2"))
		synctest.Wait()
		require.Equal(t, "421 4.3.2 All server ports are busy", line(t, d.come("2001:db8::3")))
		for _, c := range all {
			c.Close()
		}
		synctest.Wait()
		require.Zero(t, s.Testing())
		require.NoError(t, l.Close())
		synctest.Wait()
	})
}

// STARTTLS in a conversation (RFC 3207): what came unprotected is forgotten, mail needs it where it is required.
func TestTLS(t *testing.T) {
	srv, client, err := testnet.Certificate("mx.test", time.Now())
	require.NoError(t, err)
	x := start(&postscreen.Screen{GreetWait: time.Millisecond, Pipelining: postscreen.Test{Enable: true}, TLSConfig: srv, RequireTLS: true})
	defer x.end()
	c := x.d.come("198.51.100.7")
	defer c.Close()
	say := func(text, want string) {
		t.Helper()
		_, err := io.WriteString(c, text+"\r\n")
		require.NoError(t, err)
		require.Equal(t, want, line(t, c))
	}
	require.Equal(t, "220 mx.test ESMTP", line(t, c))
	say("HELO a", "250 mx.test")
	say("MAIL FROM:<a@c.test>", "530 5.7.0 Must issue a STARTTLS command first")
	say("STARTTLS x", "501 5.5.4 Syntax error (no parameters allowed)")
	say("STARTTLS", "220 2.0.0 Ready to start TLS")
	tc := tls.Client(c, client)
	require.NoError(t, tc.Handshake())
	c = tc
	say("STARTTLS", "554 5.5.1 Error: TLS already active")
	say("MAIL FROM:<a@c.test>", "250 2.1.0 Ok")
	say("RCPT TO:<x@example.test>", "450 4.3.2 Service currently unavailable")
	say("QUIT", "221 2.0.0 Bye")
}

// The cache outlives the server, and is bounded.
func TestCacheFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "postscreen_cache")
	for i, want := range []string{"PASS NEW", "PASS OLD"} {
		cache, err := postscreen.OpenCache(file, postscreen.CacheOptions{Max: 10})
		require.NoError(t, err)
		x := start(&postscreen.Screen{GreetWait: time.Millisecond, Cache: cache})
		for n := range 20 * (1 - i) {
			c := x.d.come(fmt.Sprint("203.0.113.", n))
			require.Contains(t, line(t, c), "220 server")
			c.Close()
		}
		require.LessOrEqual(t, cache.Len(), 10)
		c := x.d.come("198.51.100.7")
		require.Contains(t, line(t, c), "220 server")
		c.Close()
		x.end()
		require.Contains(t, x.logged(), want+" [198.51.100.7]:4711")
		require.NoError(t, cache.Close())
	}
}

// Thousands of clients that say nothing cost little each, and others get in meanwhile.
func TestMemory(t *testing.T) {
	const clients = 2000
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &postscreen.Screen{GreetWait: time.Hour, Limits: postscreen.Limits{PerAddr: -1, Testing: -1}, Access: func(a netip.Addr) postscreen.Access {
		if a == netip.MustParseAddr("127.0.0.9") {
			return postscreen.Permit
		}
		return postscreen.Unknown
	}}
	sl := s.Listen(l)
	accepted := make(chan net.Conn, 1)
	go func() {
		c, err := sl.Accept()
		if err == nil {
			accepted <- c
		}
	}()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var all []net.Conn
	for range clients {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Skip("not so many descriptors here: ", err)
		}
		all = append(all, c)
	}
	require.Eventually(t, func() bool { return s.Testing() == clients }, time.Minute, 10*time.Millisecond)
	runtime.GC()
	runtime.ReadMemStats(&after)
	each := (int(after.HeapAlloc+after.StackInuse) - int(before.HeapAlloc+before.StackInuse)) / clients
	t.Logf("%d octets a client, its own side among them", each)
	require.Less(t, each, 12<<10) // 9 KiB with the race detector
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 9)}}
	c, err := d.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	(<-accepted).Close()
	c.Close()
	for _, c := range all {
		c.Close()
	}
	require.NoError(t, sl.Close())
	require.Eventually(t, func() bool { return s.Testing() == 0 }, time.Minute, 10*time.Millisecond)
}

// Whatever a client says, it gets replies, and the connection ends.
func FuzzConversation(f *testing.F) {
	for _, s := range []string{"EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n", "GET / HTTP/1.1\n\n", "RCPT\r\nBDAT\r\n\r\n:\r\n", "STARTTLS\r\n", strings.Repeat("x", 3000)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		x := start(&postscreen.Screen{GreetWait: time.Nanosecond, Footer: `a\nb`, BareNewline: postscreen.Test{Enable: true}, NonSMTP: postscreen.Test{Enable: true, Action: postscreen.Enforce},
			Pipelining: postscreen.Test{Enable: true, Action: postscreen.Enforce}})
		c := x.d.come("198.51.100.7")
		go func() { _, _ = c.Write(b); _, _ = c.Write([]byte("\r\nQUIT\r\n")) }()
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
		got, err := io.ReadAll(c)
		require.NoError(t, err)
		for l := range strings.SplitSeq(strings.TrimSuffix(string(got), "\r\n"), "\r\n") {
			require.Regexp(t, `^[2-5]\d\d[- ][ -~]*$`, l)
		}
		c.Close()
		x.end()
		for _, l := range x.logged() {
			require.NotContains(t, l, "\n")
			require.NotContains(t, l, "\x00")
		}
	})
}
