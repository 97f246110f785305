package sqldb

import (
	"fmt"
	"net"
	"strings"
)

// ParseConnect reads the connect line of Dovecot's dovecot-sql.conf.ext: the file of a database for sqlite, "host=… dbname=… user=… password=…" for the
// others, with more than one host where there are several.
func ParseConnect(driver, connect string) (Config, error) {
	c := Config{Driver: driver}
	if driver == "sqlite" {
		c.Database, _, _ = strings.Cut(strings.TrimSpace(connect), " ") // what follows is how it is written to
		return c, nil
	}
	pairs, err := parsePairs(connect)
	if err != nil {
		return c, err
	}
	port := ""
	var hosts []string
	for _, p := range pairs {
		name, value := p[0], p[1]
		switch {
		case name == "host" || name == "hostaddr":
			hosts = append(hosts, value)
		case name == "port":
			port = value
		case name == "dbname":
			c.Database = value
		case name == "user":
			c.User = value
		case name == "password":
			c.Password = value
		case driver == "pgsql" && name != "maxconns":
			c.Options += fmt.Sprintf("%s='%s' ", name, strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value))
		case name == "ssl_cert":
			c.TLS.CertFile = value
		case name == "ssl_key":
			c.TLS.KeyFile = value
		case name == "ssl_ca":
			c.TLS.CAFile = value
		case name == "ssl_verify_server_cert":
			c.TLS.Verify = value != "no" && value != "0"
		case name == "maxconns", name == "connect_timeout", name == "read_timeout", name == "write_timeout", name == "client_flags":
		default:
			return c, fmt.Errorf("%s is not known in a connect line for %s", name, driver)
		}
	}
	for _, h := range hosts {
		switch {
		case strings.HasPrefix(h, "/"):
			c.Hosts = append(c.Hosts, "unix:"+h)
			if port != "" && driver == "pgsql" && !strings.Contains(c.Options, "port=") {
				c.Options += "port='" + port + "' " // it is part of the socket's name
			}
		case port == "":
			c.Hosts = append(c.Hosts, "inet:"+h)
		default:
			c.Hosts = append(c.Hosts, "inet:"+net.JoinHostPort(h, port))
		}
	}
	if c.Database == "" {
		return c, fmt.Errorf("the connect line has no dbname")
	}
	return c, nil
}
