package milter_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/buuta/mail/smtp/milter"
	"github.com/buuta/mail/smtp/milter/miltertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type text string

func (t text) NewReader() io.Reader { return strings.NewReader(string(t)) }

var client = &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 4242}

func filter(s *miltertest.Server) *milter.Filter {
	return &milter.Filter{Name: "test", Network: "tcp", Address: s.Addr(), CommandTimeout: 10 * time.Second, Macros: map[milter.Stage][]string{
		milter.StageConnect: {"j", "{none}"}, milter.StageMail: {"i", "{mail_addr}"}, milter.StageEndOfMessage: {"i"}}}
}

func macros(name string) string {
	return map[string]string{"j": "mail.example.org", "i": "4F00", "{mail_addr}": "a@example.net"}[name]
}

const message text = "Subject: x\r\n\tfolded\r\nX-Empty:\r\nFrom:a@example.net\r\n\r\nhello\r\n.dot\r\n"

// session goes through a whole session and returns the verdicts that are not to go on, by step.
func session(t *testing.T, s *milter.Session, m milter.Content, edit func(*milter.Edits) (milter.Content, error)) map[string]milter.Verdict {
	t.Helper()
	out := map[string]milter.Verdict{}
	step := func(name string, v milter.Verdict) {
		if v.Reply != nil || v.Discard || v.Quarantine != "" || v.Err != nil {
			out[name] = v
		}
	}
	ctx := t.Context()
	step("connect", s.Connect(ctx, "host.example.net", client))
	step("hello", s.Hello(ctx, "c.example.net"))
	step("mail", s.Mail(ctx, "a@example.net", []string{"SIZE=100", "BODY=8BITMIME"}))
	step("rcpt", s.Recipient(ctx, "b@example.org", nil))
	step("rcpt2", s.Recipient(ctx, "c@example.org", nil))
	step("data", s.Data(ctx))
	if edit == nil {
		edit = func(*milter.Edits) (milter.Content, error) { return m, nil }
	}
	step("message", s.Message(ctx, m, edit))
	return out
}

// What a filter is told, in the protocol's words.
func TestTold(t *testing.T) {
	srv := miltertest.NewServer(t)
	s := milter.Open([]*milter.Filter{filter(srv)}, macros)
	defer s.Close()
	require.Empty(t, session(t, s, message, nil))
	require.Empty(t, s.Unknown(t.Context(), "FOO bar\r\n"))
	require.Equal(t, []string{ // what follows the colon is without its blank, unless the filter wants it
		"DCj|mail.example.org", "Chost.example.net|44242|192.0.2.1", "Hc.example.net", "DMi|4F00|{mail_addr}|a@example.net", "M<a@example.net>|SIZE=100|BODY=8BITMIME",
		"R<b@example.org>", "R<c@example.org>", "T", "LSubject|x\n\tfolded", "LX-Empty|", "LFrom|a@example.net", "N", "Bhello\r\n.dot\r\n", "DEi|4F00", "E", "UFOO bar",
	}, srv.Told())
	s = milter.Open([]*milter.Filter{filter(srv)}, nil)
	s.Connect(t.Context(), "h", &net.TCPAddr{IP: net.ParseIP("2001:db8::1"), Port: 1})
	s.Connect(t.Context(), "localhost", &net.UnixAddr{})
	require.NoError(t, s.Close())
	require.Contains(t, srv.Told(), "Ch|61|IPv6:2001:db8::1")
}

// A filter that wants less is told less; one that doesn't answer isn't waited for; a list of macros of its own counts.
func TestNegotiation(t *testing.T) {
	srv := miltertest.NewServer(t)
	const noConnect, noHelo, noHeader, quietMail, quietRcpt, skip = 1, 2, 1 << 5, 1 << 14, 1 << 15, 1 << 10
	srv.Options = []uint32{6, 0, noConnect | noHelo | noHeader | quietMail | quietRcpt | skip}
	srv.Lists = miltertest.Uint(uint32(milter.StageMail)) + "{mail_addr}, j\x00"
	srv.Answers["M"], srv.Answers["R"], srv.Answers["B"] = []string{"-"}, []string{"-"}, []string{"s"}
	s := milter.Open([]*milter.Filter{filter(srv)}, macros)
	defer s.Close()
	require.Empty(t, session(t, s, text("Subject: x\r\n\r\n"+strings.Repeat("x", 200_000)), nil))
	list := srv.Told()
	require.Equal(t, []string{"DM{mail_addr}|a@example.net|j|mail.example.org", "M<a@example.net>|SIZE=100|BODY=8BITMIME", "R<b@example.org>", "R<c@example.org>", "T", "N"}, list[:6])
	require.Len(t, list, 9, "one piece of the body, and no more")
	for _, bad := range [][]uint32{{7, 0, 0}, {1, 0, 0}, {6, 1 << 20, 0}, {6, 0, 1 << 30}} {
		srv.Options = bad
		s := milter.Open([]*milter.Filter{filter(srv)}, nil)
		require.Equal(t, "451 4.7.1 Service unavailable - try again later", s.Connect(t.Context(), "h", client).Reply.String(), "%v", bad)
		s.Close()
	}
	srv.Options = nil
	old := filter(srv)
	old.Version = 2
	s2 := milter.Open([]*milter.Filter{old}, nil)
	require.NotNil(t, s2.Connect(t.Context(), "h", client).Reply, "a filter that wants version 6 and all actions")
	s2.Close()
}

// Each answer at each step.
func TestVerdicts(t *testing.T) {
	for _, tt := range []struct {
		cmd, answer string
		want        map[string]string
	}{
		{"C", "r", map[string]string{"connect": "550 5.7.1 Command rejected"}},
		{"C", "t", map[string]string{"connect": "451 4.7.1 Service unavailable - try again later"}},
		{"C", "a", map[string]string{}},
		{"H", "y421 4.7.0 go\x00", map[string]string{"hello": "421 4.7.0 go"}},
		{"M", "y550-5.7.1 one\r\n550 5.7.1 100%% two\r\n\x00", map[string]string{"mail": "550 5.7.1 one\n100% two"}},
		{"M", "a", map[string]string{}},
		{"R<b@example.org>", "r", map[string]string{"rcpt": "550 5.7.1 Command rejected"}},
		{"R<c@example.org>", "y450 later\x00", map[string]string{"rcpt2": "450 later"}},
		{"T", "4", map[string]string{"data": "421 4.7.0 Server closing connection"}},
		{"L", "r", map[string]string{"message": "550 5.7.1 Command rejected"}},
		{"N", "t", map[string]string{"message": "451 4.7.1 Service unavailable - try again later"}},
		{"B", "y554 5.6.0 virus\x00", map[string]string{"message": "554 5.6.0 virus"}},
		{"E", "r", map[string]string{"message": "550 5.7.1 Command rejected"}},
		{"E", "d", map[string]string{"message": "discard"}},
		{"M", "d", map[string]string{"mail": "discard"}},
		// What no filter may say is as good as nothing: its default counts, and it isn't asked again.
		{"C", "d", map[string]string{}}, // there is nothing to throw away yet: as Postfix, on it goes
		{"T", "y250 2.0.0 fine\x00", map[string]string{"data": "451 4.7.1 Service unavailable - try again later", "message": ""}},
		{"T", "?", map[string]string{"data": "451 4.7.1 Service unavailable - try again later", "message": ""}},
		{"T", "", map[string]string{"data": "451 4.7.1 Service unavailable - try again later", "message": ""}},
		{"E", "+x\x00", map[string]string{"message": "451 4.7.1 Service unavailable - try again later"}}, // then it hangs up
	} {
		srv := miltertest.NewServer(t)
		srv.Answers[tt.cmd] = []string{tt.answer}
		if tt.answer == "+x\x00" {
			srv.Answers[tt.cmd] = []string{tt.answer, ""}
		}
		s := milter.Open([]*milter.Filter{filter(srv)}, macros)
		got := session(t, s, message, nil)
		for step, want := range tt.want {
			v := got[step]
			switch {
			case want == "discard":
				require.True(t, v.Discard, tt)
			case want == "":
				require.NotNil(t, v.Reply, "%v %s", tt, step)
			default:
				require.NotNil(t, v.Reply, "%v %s", tt, step)
				require.Equal(t, want, strings.TrimSuffix(fmt.Sprint(v.Reply.Code, " ", code(v), v.Reply.Text), " "), tt)
			}
		}
		if _, more := tt.want["message"]; !more {
			require.NotContains(t, got, "message", tt)
		}
		s.Close()
	}
}

func code(v milter.Verdict) string {
	if v.Reply.Enhanced[0] == 0 {
		return ""
	}
	return v.Reply.Enhanced.String() + " "
}

// One that can't be reached, or is silent, is what its default says, for the whole session.
func TestDefaults(t *testing.T) {
	srv := miltertest.NewServer(t)
	srv.Close()
	silent := miltertest.NewServer(t)
	silent.Answers["M"] = []string{"-"}
	for d, want := range map[milter.Default]string{milter.TempFail: "451 4.7.1 Service unavailable - try again later", milter.Reject: "550 5.5.0 Service unavailable", milter.Accept: "", milter.Quarantine: ""} {
		for _, dead := range []*miltertest.Server{srv, silent} {
			f := filter(dead)
			f.Default, f.CommandTimeout = d, 50*time.Millisecond
			s := milter.Open([]*milter.Filter{f}, macros)
			got := session(t, s, message, nil)
			if want != "" {
				require.Equal(t, want, got["message"].Reply.String())
				require.Error(t, got["message"].Err)
			}
			require.Equal(t, d == milter.Quarantine, got["message"].Quarantine != "")
			s.Close()
		}
		p, ok := milter.ParseDefault(d.String())
		require.True(t, ok)
		require.Equal(t, d, p)
	}
	_, ok := milter.ParseDefault("x")
	require.False(t, ok)
}

// What one filter makes of a message the next is told; one that has accepted isn't asked until the next message.
func TestChain(t *testing.T) {
	first, second := miltertest.NewServer(t), miltertest.NewServer(t)
	first.Answers["E"] = []string{"hX-First\x00 one\n two\x00", "p", "+<new@example.org>\x00", "2<more@example.org>\x00NOTIFY=NEVER\x00", "-<b@example.org>\x00", "e<s@example.org>\x00SIZE=1\x00", "qlooks odd\x00",
		"i" + miltertest.Uint(0) + "X-Top\x00 top\x00", "m" + miltertest.Uint(1) + "Subject\x00 y\x00", "m" + miltertest.Uint(1) + "X-Empty\x00\x00", "bnew ", "bbody\n", "a"}
	second.Answers["M"] = []string{"a"}
	third := miltertest.NewServer(t)
	s := milter.Open([]*milter.Filter{filter(first), filter(second), filter(third)}, macros)
	defer s.Close()
	var edits *milter.Edits
	got := session(t, s, message, func(e *milter.Edits) (milter.Content, error) {
		edits = e
		r, err := e.Apply(message.NewReader(), 0)
		require.NoError(t, err)
		b, err := io.ReadAll(r)
		require.NoError(t, err)
		return text(b), nil
	})
	require.Equal(t, "looks odd", got["message"].Quarantine)
	require.Equal(t, []milter.Recipient{{Address: "new@example.org"}, {Address: "more@example.org", Params: []string{"NOTIFY=NEVER"}}}, edits.Add)
	require.Equal(t, []string{"b@example.org"}, edits.Remove)
	require.Equal(t, "s@example.org", edits.Sender)
	var seen []string
	for _, l := range third.Told() {
		if strings.HasPrefix(l, "L") || strings.HasPrefix(l, "B") {
			seen = append(seen, l)
		}
	}
	require.Equal(t, []string{"LX-Top| top", "LSubject| y", "LFrom|a@example.net", "LX-First| one\n two", "Bnew body\r\n"}, seen)
	require.Equal(t, "M<a@example.net>|SIZE=100|BODY=8BITMIME", second.Told()[4])
	s.Mail(t.Context(), "x@example.net", nil)
	require.Contains(t, second.Told(), "M<x@example.net>")
}

// A message that does not go on ends for the filters too.
func TestAbort(t *testing.T) {
	srv := miltertest.NewServer(t)
	s := milter.Open([]*milter.Filter{filter(srv)}, nil)
	s.Connect(t.Context(), "h", client)
	s.Mail(t.Context(), "a@b", nil)
	s.Mail(t.Context(), "c@d", nil)
	require.NoError(t, s.Close())
	var list []string
	require.Eventually(t, func() bool {
		list = append(list, srv.Told()...)
		return len(list) > 0 && list[len(list)-1] == "Q"
	}, 5*time.Second, 5*time.Millisecond)
	require.Equal(t, "DC Ch|44242|192.0.2.1 DM M<a@b> A DM M<c@d> A Q", strings.Join(list, " "))
}

// A filter can't make us spend memory: packets and bodies are bounded, and what it has not asked for it may not do.
func TestHostile(t *testing.T) {
	for name, answers := range map[string][]string{
		"long":     {"b" + strings.Repeat("x", 2000)},
		"body":     {"b" + strings.Repeat("x", 600), "b" + strings.Repeat("x", 600), "c"},
		"no value": {"hX-Y\x00", "c"},
		"bad name": {"hX Y: z\r\nEvil\x00v\x00", "c"},
		"no name":  {"h\x00v\x00", "c"},
		"cut off":  {"m\x00", "c"},
		"no end":   {"+a@b", "c"},
		"empty":    {"q", "c"},
	} {
		srv := miltertest.NewServer(t)
		srv.Answers["E"] = answers
		f := filter(srv)
		f.MaxPacket, f.MaxBody = 1000, 1000
		s := milter.Open([]*milter.Filter{f}, nil)
		got := session(t, s, message, func(e *milter.Edits) (milter.Content, error) { t.Fatal(name); return nil, nil })
		require.NotNil(t, got["message"].Reply, name)
		s.Close()
	}
	srv := miltertest.NewServer(t)
	srv.Options = []uint32{6, 0, 0}
	for _, a := range []string{"hX\x00v\x00", "+a@b\x00", "-a@b\x00", "bx", "ex@y\x00", "qx\x00"} {
		srv.Answers["E"] = []string{a, "c"}
		s := milter.Open([]*milter.Filter{filter(srv)}, nil)
		require.NotNil(t, session(t, s, message, nil)["message"].Reply, a)
		s.Close()
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := milter.Open([]*milter.Filter{filter(srv)}, nil)
	require.Error(t, s.Connect(ctx, "h", client).Err)
	s.Close()
}

func TestApply(t *testing.T) {
	for _, tt := range []struct {
		changes  []milter.HeaderChange
		own      int
		in, want string
	}{
		{[]milter.HeaderChange{{Index: -1, Name: "X", Value: "v", Space: true}}, 0, "A: 1\r\n\r\nb", "A: 1\r\nX: v\r\n\r\nb"},
		{[]milter.HeaderChange{{Index: 0, Insert: true, Name: "X", Value: " v"}}, 1, "Received: r\r\nA: 1\r\n\r\nb", "X: v\r\nReceived: r\r\nA: 1\r\n\r\nb"},
		{[]milter.HeaderChange{{Index: 1, Insert: true, Name: "X", Value: " v"}}, 1, "Received: r\r\nA: 1\r\n\r\nb", "Received: r\r\nX: v\r\nA: 1\r\n\r\nb"},
		{[]milter.HeaderChange{{Index: 2, Insert: true, Name: "X", Value: " v"}}, 0, "A: 1\r\nB: 2\r\n\r\nb", "A: 1\r\nX: v\r\nB: 2\r\n\r\nb"},
		{[]milter.HeaderChange{{Index: 9, Insert: true, Name: "X", Value: " v"}}, 0, "A: 1\r\n\r\n", "A: 1\r\nX: v\r\n\r\n"},
		{[]milter.HeaderChange{{Index: 2, Change: true, Name: "a", Value: " v\nw"}}, 0, "A: 1\r\nA: 2\r\n 2\r\nB: 3\r\n\r\n", "A: 1\r\na: v\r\n\tw\r\nB: 3\r\n\r\n"},
		{[]milter.HeaderChange{{Index: 1, Change: true, Name: "a"}, {Index: 1, Change: true, Name: "c"}}, 0, "A: 1\r\nA: 2\r\n\r\n", "A: 2\r\n\r\n"},
		{[]milter.HeaderChange{{Index: 3, Change: true, Name: "a", Value: " n"}}, 0, "A: 1\r\n\r\n", "A: 1\r\na: n\r\n\r\n"},
		{[]milter.HeaderChange{{Index: -1, Name: "X", Value: " v"}}, 0, "A: 1", "A: 1\r\nX: v\r\n"},
		{[]milter.HeaderChange{{Index: -1, Name: "X", Value: " v"}}, 0, "no header\r\nat all", "X: v\r\n\r\nno header\r\nat all"},
		{[]milter.HeaderChange{{Index: -1, Name: "X", Value: " v"}}, 0, "", "X: v\r\n"},
	} {
		e := &milter.Edits{Header: tt.changes}
		r, err := e.Apply(strings.NewReader(tt.in), tt.own)
		require.NoError(t, err)
		b, err := io.ReadAll(r)
		require.NoError(t, err)
		require.Equal(t, tt.want, string(b))
	}
	require.True(t, (&milter.Edits{}).Empty())
	long := "A: " + strings.Repeat("x", 100_000) + "\r\n"
	r, err := (&milter.Edits{Header: []milter.HeaderChange{{Index: -1, Name: "X", Value: " v"}}}).Apply(strings.NewReader(long+"\r\nb"), 0)
	require.NoError(t, err)
	b, _ := io.ReadAll(r)
	require.Equal(t, long+"X: v\r\n\r\nb", string(b))
}

// Whatever a filter answers, the session ends, and in an answer.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte(miltertest.Packet('O', miltertest.Uint(6)+miltertest.Uint(0x1ff)+miltertest.Uint(0)) + miltertest.Packet('c', "") + miltertest.Packet('y', "550 5.7.1 x\x00")))
	f.Add([]byte(miltertest.Packet('O', miltertest.Uint(6)+miltertest.Uint(0x1ff)+miltertest.Uint(0x1fffff)) + miltertest.Packet('h', "X\x00y\x00") + miltertest.Packet('m', "\x00\x00\x00\x01X\x00y\x00") + miltertest.Packet('c', "")))
	f.Fuzz(func(t *testing.T, answers []byte) {
		dial := func(context.Context, string, string) (net.Conn, error) {
			here, there := net.Pipe()
			go func() {
				go io.Copy(io.Discard, there)
				_, _ = there.Write(answers)
				_ = there.Close()
			}()
			return here, nil
		}
		s := milter.Open([]*milter.Filter{{Dial: dial, CommandTimeout: time.Second, ContentTimeout: time.Second, MaxPacket: 1 << 16}}, macros)
		defer s.Close()
		session(t, s, message, func(e *milter.Edits) (milter.Content, error) {
			r, err := e.Apply(message.NewReader(), 0)
			if err != nil {
				return nil, err
			}
			b, err := io.ReadAll(r)
			return text(b), err
		})
	})
}

func BenchmarkMessage(b *testing.B) {
	srv := miltertest.NewServer(b)
	f := filter(srv)
	s := milter.Open([]*milter.Filter{f}, macros)
	defer s.Close()
	s.Connect(b.Context(), "h", client)
	m := text("Subject: x\r\nFrom: a@b\r\n\r\n" + strings.Repeat("hello there\r\n", 300))
	b.ReportAllocs()
	for b.Loop() {
		s.Mail(b.Context(), "a@b", nil)
		s.Recipient(b.Context(), "c@d", nil)
		s.Message(b.Context(), m, nil)
		srv.Told()
	}
}

func ExampleSession() {
	// A milter of the test; a site names rspamd's or OpenDKIM's socket.
	srv := miltertest.NewServer(exampleT{})
	defer srv.Close()
	srv.Answers["E"] = []string{"y554 5.7.1 Spam message rejected\x00"}

	s := milter.Open([]*milter.Filter{{Network: "tcp", Address: srv.Addr()}}, func(name string) string {
		return map[string]string{"j": "mail.example.org", "i": "4F0012"}[name]
	})
	defer s.Close()
	ctx := context.Background()
	s.Connect(ctx, "host.example.net", client)
	s.Mail(ctx, "alice@example.net", nil)
	s.Recipient(ctx, "bob@example.org", nil)
	v := s.Message(ctx, message, nil)
	fmt.Println(v.Reply)
	// Output: 554 5.7.1 Spam message rejected
}

// exampleT is a test that has no end.
type exampleT struct{ testing.TB }

func (exampleT) Cleanup(func()) {}
