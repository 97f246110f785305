package intranet_test

import (
	"strings"
	"testing"

	"github.com/buuta/mail/examples/fullserver/topologies/internal/scene"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { scene.Main(m) }

// TestIntranet is what the README says, with the host in the DMZ and the one on the other side of the Internet ours and Debian's.
func TestIntranet(t *testing.T) {
	s := scene.New(t, scene.CompanyZone)
	for _, kind := range scene.Kinds {
		t.Run("neighbours are "+kind, func(t *testing.T) {
			s := s.In(t)
			far, box := s.Far(kind), s.Box("fullserver", ".")

			t.Log("the host in the DMZ is down: what goes out waits, what stays inside doesn't")
			scene.Accepted(t, s.Post(scene.DeskAddr, box, scene.Letter{From: "an@pc7.in.example.com", To: "friend@example.org binh@example.com", Subject: "waits",
				Header: "From: An <an@pc7.in.example.com>\r\nCc: nva@example.com, Chi <chi@pc9.in.example.com>\r\n"}))
			box.Arrives("binh@example.com", "waits")
			box.Logged(`to=<friend@example\.org>, relay=none, .*status=deferred \(connect to gate\.example\.com\[192\.0\.2\.25\]:25: Connection refused\)`)

			t.Log("it comes back: what has waited goes out, with no name of a machine inside in the addresses")
			s.Gate(kind, "../proxy-dmz")
			text := far.Arrives("friend@example.org", "waits")
			require.Contains(t, text, "Return-Path: <an@example.com>")
			require.Contains(t, text, "\r\nFrom: An <an@example.com>\r\n")
			require.Contains(t, text, "\r\nCc: an@example.com, Chi <chi@example.com>\r\n")
			require.Contains(t, text, "from gate.example.com (gate.example.com [192.0.2.25])")
			require.Contains(t, text, "from box.in.example.com (box.in.example.com [10.1.1.25])")

			t.Log("machines that write in their own names")
			for from, shown := range map[string]string{"root@box.in.example.com": "it@example.com", "alarm@printer.in.example.com": "it@example.com", "nva@example.com": "an@example.com", "root": "it@example.com"} {
				subject := "from " + strings.ReplaceAll(from, "@", " at ")
				scene.Accepted(t, s.Post(scene.DeskAddr, box, scene.Letter{From: from, To: "friend@example.org", Subject: subject}))
				text := far.Arrives("friend@example.org", subject)
				require.Contains(t, text, "Return-Path: <"+shown+">", from)
				require.Contains(t, text, "\r\nFrom: "+shown+"\r\n", from)
			}

			t.Log("a user logs in and sends; the answer comes in through the DMZ")
			scene.Accepted(t, s.Submit(scene.DeskAddr, box, "chi@example.com", scene.Letter{From: "chi@example.com", To: "partner@example.org", Subject: "question"}))
			far.Arrives("partner@example.org", "question")
			scene.Accepted(t, s.Post(scene.Stranger, far, scene.Letter{From: "partner@example.org", To: "chi@example.com all@example.com", Subject: "answer"}))
			for _, u := range scene.CompanyUsers {
				require.Contains(t, box.Arrives(u, "answer"), "from gate.example.com (gate.example.com [192.0.2.25])")
			}

			t.Log("what the other side doesn't take comes back")
			scene.Accepted(t, s.Post(scene.DeskAddr, box, scene.Letter{From: "an@pc7.in.example.com", To: "nobody@example.org", Subject: "to nobody"}))
			require.Contains(t, box.Arrives("an@example.com", "Undelivered Mail Returned to Sender"), "nobody@example.org")
		})
	}
}

// TestOnlyTheGate is let in from outside the intranet, and it sends to nobody elsewhere.
func TestOnlyTheGate(t *testing.T) {
	s := scene.New(t, scene.CompanyZone)
	box := s.Box("fullserver", ".")
	l := scene.Letter{From: "sender@example.org", To: "an@example.com", Subject: "no"}
	require.Contains(t, s.Post(scene.Stranger, box, l), "554 5.7.1 <client.example.org[198.51.100.77]>: Client host rejected: Access denied")
	require.Contains(t, s.Post("192.0.2.26", box, l), "554 5.7.1 <unknown[192.0.2.26]>: Client host rejected: Access denied")
	l.To = "friend@example.org"
	require.Contains(t, s.Post(scene.GateAddr, box, l), "554 5.7.1 ")
	l.To = "nobody@example.com"
	require.Contains(t, s.Post(scene.GateAddr, box, l), "550 5.1.1 <nobody@example.com>: Recipient address rejected: User unknown in local recipient table")
}
