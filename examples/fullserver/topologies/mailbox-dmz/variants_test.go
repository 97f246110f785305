package mailboxdmz_test

import (
	"strings"
	"testing"

	"github.com/buuta/mail/examples/fullserver/topologies/internal/scene"
)

// TestVariantsAsPostfix: so it is with other parameters, about owners of lists, transports, and domains that lead back to this host.
func TestVariantsAsPostfix(t *testing.T) {
	for name, params := range map[string]string{
		"transports": "transport_maps=inline:{ {example.org=smtp:[client.example.org]}, {.example.org=error:5.1.2 not there}, {an@example.com=smtp:[mx.example.org]}, {none.example=discard:}, {.none.example=retry:4.4.4 later} }|" +
			"expand_owner_alias=yes|reset_owner_alias=yes|recipient_canonical_maps=inline:{ {postmaster@example.com=chi} }",
		"loops": "mydestination=localhost|virtual_mailbox_domains=example.com|relay_domains=none.example|owner_request_special=no|recipient_delimiter=-+",
	} {
		t.Run(name, func(t *testing.T) {
			s, o := scene.New(t, zone), site
			o.Params = strings.Split(params, "|")
			s.Compare(scene.Comparison{
				Site: o, Zone: zone, Trusted: "127.0.0.1", Sender: "an@example.com",
				Own:    []string{"example.com", "example.net"},
				Others: []string{"mail.example.com", "localhost", "example.org", "none.example", "localhost.example.com"},
			})
		})
	}
}
