package autoconfig

import (
	"encoding/xml"
	"net/http"
)

// https://www.bucksch.org/1/projects/thunderbird/autoconfiguration/config-file-format.html, and draft-ietf-mailmaint-autoconfig section 4.
type clientConfig struct {
	XMLName  xml.Name `xml:"clientConfig"`
	Version  string   `xml:"version,attr"`
	Provider provider `xml:"emailProvider"`
}

type provider struct {
	ID        string       `xml:"id,attr"`
	Domain    string       `xml:"domain"`
	Name      string       `xml:"displayName"`
	ShortName string       `xml:"displayShortName"`
	Incoming  []mailServer `xml:"incomingServer"`
	Outgoing  []mailServer `xml:"outgoingServer"`
}

type mailServer struct {
	Type           string   `xml:"type,attr"`
	Hostname       string   `xml:"hostname"`
	Port           uint16   `xml:"port"`
	Socket         string   `xml:"socketType"`
	Username       string   `xml:"username"`
	Authentication []string `xml:"authentication"`
}

func (h *Handler) thunderbird(w http.ResponseWriter, r *http.Request) {
	site, _, domain, err := h.find(r.Context(), asked(r), r.Host)
	if err != nil {
		refuse(w, err)
		return
	}
	c := clientConfig{Version: "1.1", Provider: provider{ID: domain, Domain: domain, Name: domain, ShortName: domain}}
	for _, v := range site.Services {
		// The program puts the address in: the answer is the same for everybody.
		m := mailServer{Type: v.Protocol, Hostname: site.Hostname, Port: v.Port, Socket: "STARTTLS", Username: "%EMAILADDRESS%"}
		if v.TLS {
			m.Socket = "SSL"
		}
		if site.Password {
			m.Authentication = append(m.Authentication, "password-cleartext")
		}
		if site.CRAM {
			m.Authentication = append(m.Authentication, "password-encrypted")
		}
		if v.Protocol == "smtp" {
			c.Provider.Outgoing = append(c.Provider.Outgoing, m)
		} else {
			c.Provider.Incoming = append(c.Provider.Incoming, m)
		}
	}
	writeXML(w, c)
}

// writeXML answers with a document.
func writeXML(w http.ResponseWriter, v any) {
	b, err := xml.MarshalIndent(v, "", "  ")
	if err != nil {
		http.Error(w, "can't be written", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache") // ports change when the operator says so
	_, _ = w.Write(append([]byte(xml.Header), append(b, '\n')...))
}
