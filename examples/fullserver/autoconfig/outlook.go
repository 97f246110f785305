package autoconfig

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// [MS-OXDSCLI]: Autodiscover Publishing and Lookup Protocol.
const (
	outlookResponse = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
	maxRequest      = 16 << 10 // octets of a request, which are a few hundred
	maxDepth        = 8        // of its elements
)

type discovered struct {
	XMLName  xml.Name `xml:"http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006 Autodiscover"`
	Response response
}

type response struct {
	XMLName xml.Name        `xml:"Response"`
	Schema  string          `xml:"xmlns,attr,omitempty"`
	Account *outlookAccount `xml:"Account,omitempty"`
	Error   *outlookError   `xml:"Error,omitempty"`
}

type outlookAccount struct {
	Type     string            `xml:"AccountType"`
	Action   string            `xml:"Action"`
	Protocol []outlookProtocol `xml:"Protocol"`
}

type outlookProtocol struct {
	Type           string `xml:"Type"`
	Server         string `xml:"Server"`
	Port           uint16 `xml:"Port"`
	DomainRequired string `xml:"DomainRequired"`
	LoginName      string `xml:"LoginName"`
	SPA            string `xml:"SPA"`
	SSL            string `xml:"SSL"`
	Encryption     string `xml:"Encryption"`
	AuthRequired   string `xml:"AuthRequired"`
	UsePOPAuth     string `xml:"UsePOPAuth,omitempty"`
	SMTPLast       string `xml:"SMTPLast,omitempty"`
}

type outlookError struct {
	Time    string `xml:"Time,attr"`
	ID      string `xml:"Id,attr"`
	Code    int    `xml:"ErrorCode"`
	Message string `xml:"Message"`
	Debug   string `xml:"DebugData"`
}

func (h *Handler) outlook(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodPost:
	case http.MethodGet, http.MethodHead:
		// "HTTP GET … returns a 302 redirect" to where the request may be posted: only to TLS, because a password may come with it.
		if h.Secure != "" && r.TLS == nil {
			http.Redirect(w, r, h.Secure+OutlookPath, http.StatusFound)
			return
		}
		fallthrough
	default:
		w.Header().Set("Allow", "POST")
		http.Error(w, "only POST", http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		http.Error(w, "the request is too long", http.StatusRequestEntityTooLarge)
		return
	}
	address, schema, err := parseRequest(body)
	if err != nil || address == "" {
		h.outlookError(w, 600, "Invalid Request")
		return
	}
	if schema != outlookResponse { // a phone's, perhaps, which asks for ActiveSync
		h.outlookError(w, 601, "Provider is not available")
		return
	}
	site, _, _, err := h.find(r.Context(), address, "")
	switch {
	case errors.Is(err, errNotHere):
		h.outlookError(w, 500, "The e-mail address cannot be found")
	case err != nil:
		refuse(w, err)
	default:
		writeXML(w, discovered{Response: response{Schema: outlookResponse, Account: site.outlook(address)}})
	}
}

// outlook is what Outlook is told: the best service of each protocol.
func (s *Site) outlook(address string) *outlookAccount {
	a := &outlookAccount{Type: "email", Action: "settings"}
	for _, protocol := range []string{"imap", "pop3", "smtp"} {
		v, ok := s.first(protocol)
		if !ok {
			continue
		}
		p := outlookProtocol{Type: strings.ToUpper(protocol), Server: s.Hostname, Port: v.Port, DomainRequired: "off", LoginName: address,
			SPA: "off", SSL: "on", Encryption: "TLS", AuthRequired: "on"}
		if v.TLS {
			p.Encryption = "SSL"
		}
		if protocol == "smtp" {
			p.UsePOPAuth, p.SMTPLast = "off", "off"
		}
		a.Protocol = append(a.Protocol, p)
	}
	return a
}

func (h *Handler) outlookError(w http.ResponseWriter, code int, text string) {
	now := time.Now
	if h.Now != nil {
		now = h.Now
	}
	writeXML(w, discovered{Response: response{Error: &outlookError{
		Time: now().UTC().Format("15:04:05.000000"), ID: fmt.Sprint(now().UnixNano() % 1e10), Code: code, Message: text}}})
}

var errRequest = errors.New("no autodiscover request")

// parseRequest finds the address and the schema that is understood, whatever the namespaces. A document type, with which entities would come, is
// refused, and so is what is nested deeper than any request.
func parseRequest(body []byte) (address, schema string, err error) {
	d := xml.NewDecoder(bytes.NewReader(body))
	var path []string
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) && len(path) == 0 && address != "" {
			return strings.TrimSpace(address), strings.TrimSpace(schema), nil
		}
		if err != nil {
			return "", "", errRequest
		}
		switch t := t.(type) {
		case xml.Directive:
			return "", "", errRequest
		case xml.StartElement:
			if path = append(path, t.Name.Local); len(path) > maxDepth {
				return "", "", errRequest
			}
		case xml.EndElement:
			path = path[:len(path)-1]
		case xml.CharData:
			switch strings.Join(path, "/") {
			case "Autodiscover/Request/EMailAddress":
				address += string(t)
			case "Autodiscover/Request/AcceptableResponseSchema":
				schema += string(t)
			}
		}
	}
}
