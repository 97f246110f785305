package imapclient_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
	"github.com/buuta/mail/imap/imaptest"
)

// exampleServer stands for the reader's own server.
func exampleServer() *imaptest.Server {
	srv := imaptest.NewServer(exampleTB{})
	for i := 1; i <= 3; i++ {
		srv.Add("INBOX", fmt.Sprintf("From: binh@example.test\nSubject: letter %d\n\nHello %d\n", i, i))
	}
	return srv
}

// exampleTB ends nothing: examples end with the program.
type exampleTB struct{ testing.TB }

func (exampleTB) Helper()        {}
func (exampleTB) Cleanup(func()) {}

// connect is what the other examples begin with.
func connect(ctx context.Context) (*imapclient.Client, func(), error) {
	c, _, end, err := connectTo(ctx)
	return c, end, err
}

func connectTo(ctx context.Context) (*imapclient.Client, *imaptest.Server, func(), error) {
	srv := exampleServer()
	c, err := imapclient.Dial(ctx, "imap.example.test:143", &imapclient.Options{
		Dial: srv.Dial, // leave it out for a server on the network
		Auth: &mail.Credentials{Username: imaptest.Username, Password: imaptest.Password},
	})
	if err == nil {
		_, err = c.Select(ctx, "INBOX", nil)
	}
	return c, srv, func() {
		_ = c.Logout(ctx)
		srv.Close()
	}, err
}

func ExampleDial() {
	ctx := context.Background()
	srv := exampleServer()
	defer srv.Close()
	c, err := imapclient.Dial(ctx, "imap.example.test:143", &imapclient.Options{
		Dial: srv.Dial, // leave it out for a server on the network
		Auth: &mail.Credentials{Username: "alice", Password: "secret"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Logout(ctx)
	box, err := c.Select(ctx, "INBOX", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.State(), box.Messages)
	// Output: selected 3
}

func ExampleClient_Fetch() {
	ctx := context.Background()
	c, end, _ := connect(ctx)
	defer end()
	for m, err := range c.Fetch(ctx, imapclient.All(), &imapclient.FetchOptions{Items: imapclient.Items(imap.FetchFlags, imap.FetchEnvelope)}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(m.UID, m.Envelope.Subject.Value)
	}
	// Output:
	// 1 letter 1
	// 2 letter 2
	// 3 letter 3
}

func ExampleClient_FetchOne() {
	ctx := context.Background()
	c, end, _ := connect(ctx)
	defer end()
	m, err := c.FetchOne(ctx, 2, imapclient.PeekPart(1))
	if err != nil {
		fmt.Println(err)
		return
	}
	text, _ := m.Section(imap.Section{Part: []int{1}})
	fmt.Printf("%s", text)
	// Output: Hello 2
}

// A large message goes from the connection to where it is wanted.
func ExampleClient_Fetch_stream() {
	ctx := context.Background()
	c, srv, end, _ := connectTo(ctx)
	defer end()
	srv.Add("INBOX", "Subject: large\n\n"+strings.Repeat("A line of a long text\n", 10_000))
	_ = c.Noop(ctx) // for the server to tell of it
	for m, err := range c.Fetch(ctx, imapclient.UID(4), &imapclient.FetchOptions{
		Items:  []imap.FetchItem{imapclient.Peek(imap.Section{})}, // the whole message; PeekPart names a part
		Stream: true,
	}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		if m.Body == nil { // what is small comes in memory
			data, _ := m.Section(imap.Section{})
			fmt.Println(len(data), "octets")
			continue
		}
		n, err := io.Copy(io.Discard, m.Body) // a file, say
		fmt.Println(n, m.Body.Size(), err)
	}
	// Output: 230018 230018 <nil>
}

func ExampleClient_Sort() {
	ctx := context.Background()
	c, end, _ := connect(ctx)
	defer end()
	r, err := c.Sort(ctx, []imap.SortCriterion{{Key: imap.SortSubject, Reverse: true}}, imap.SearchKey{Op: imap.SearchUnseen}, nil)
	fmt.Println(r.Order, err)
	// Output: [3 2 1] <nil>
}

func ExampleClient_Search() {
	ctx := context.Background()
	c, end, _ := connect(ctx)
	defer end()
	r, err := c.Search(ctx, imap.SearchKey{Op: imap.SearchSubject, Value: "letter 3"}, nil)
	fmt.Println(r.UIDs, err)
	// Output: 3 <nil>
}

func ExampleClient_Store() {
	ctx := context.Background()
	c, end, _ := connect(ctx)
	defer end()
	r, err := c.Store(ctx, imapclient.UID(1, 3), mail.FlagsAdd, mail.NewFlags(`\Seen`, "$work"), nil)
	for _, m := range r.Messages {
		fmt.Println(m.UID, m.Flags.Names())
	}
	fmt.Println(err)
	// Output:
	// 1 [\Seen $work]
	// 3 [\Seen $work]
	// <nil>
}

func ExampleClient_Move() {
	ctx := context.Background()
	c, end, _ := connect(ctx)
	defer end()
	if _, err := c.Create(ctx, "Archive", mail.UseArchive); err != nil {
		fmt.Println(err)
		return
	}
	moved, err := c.Move(ctx, imapclient.UID(1, 2), "Archive")
	fmt.Println(moved.From, moved.To, err)
	// Output: [1 2] [1 2] <nil>
}

func ExampleClient_Append() {
	ctx := context.Background()
	c, end, _ := connect(ctx)
	defer end()
	done, err := c.Append(ctx, "INBOX", imapclient.NewDraft([]byte("Subject: a note to myself\r\n\r\n"), `\Seen`, `\Draft`))
	fmt.Println(done.UIDs, err)
	// Output: [4] <nil>
}

func ExampleClient_List() {
	ctx := context.Background()
	c, end, _ := connect(ctx)
	defer end()
	for l, err := range c.List(ctx, &imapclient.ListOptions{Status: imap.StatusMessages | imap.StatusUnseen}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(l.Name, l.Status.Messages, l.Status.Unseen)
	}
	// Output: INBOX 3 3
}

func ExampleClient_Idle() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, srv, end, _ := connectTo(ctx)
	defer end()
	go srv.Add("INBOX", "Subject: news\n\n") // somebody sends a message
	for e, err := range c.Idle(ctx) {
		if err != nil {
			fmt.Println(err)
			return
		}
		if e, ok := e.(imapclient.ExistsEvent); ok {
			fmt.Println(e.Messages, "messages")
			break
		}
	}
	// Output: 4 messages
}

func ExampleCodeOf() {
	ctx := context.Background()
	c, end, _ := connect(ctx)
	defer end()
	_, err := c.Copy(ctx, imapclient.UID(1), "No such mailbox")
	fmt.Println(imapclient.Refused(err), imapclient.CodeOf(err))
	// Output: true TRYCREATE
}

// Many goroutines share a few connections.
func ExamplePool() {
	ctx := context.Background()
	srv := exampleServer()
	defer srv.Close()
	pool := &imapclient.Pool{Max: 2, Connect: func(ctx context.Context) (*imapclient.Client, error) {
		return imapclient.Dial(ctx, "imap.example.test:143", &imapclient.Options{
			Dial: srv.Dial, // leave it out for a server on the network
			Auth: &mail.Credentials{Username: "alice", Password: "secret"},
		})
	}}
	defer pool.Close()
	var unseen [3]uint32
	var wg sync.WaitGroup
	for i := range unseen {
		wg.Go(func() {
			err := pool.Do(ctx, func(ctx context.Context, c *imapclient.Client) error {
				s, err := c.Status(ctx, "INBOX", imap.StatusUnseen)
				if err == nil {
					unseen[i] = s.Unseen
				}
				return err
			})
			if err != nil {
				fmt.Println(err)
			}
		})
	}
	wg.Wait()
	fmt.Println(unseen)
	// Output: [3 3 3]
}
