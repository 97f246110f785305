package sqldb

import (
	"fmt"
	"net"
	"strconv"
	"strings"
)

// A host is one place where the database is.
type host struct {
	name    string // as configured, without a password
	network string // "unix", "tcp", "file" or "uri"
	address string // path, host:port, or the URI
	host    string // for "tcp": the name alone
	port    string
}

// parseHosts reads the hosts of a configuration.
func parseHosts(c *Config) ([]host, error) {
	if c.Driver == "sqlite" {
		return []host{{name: c.Database, network: "file", address: c.Database}}, nil
	}
	names := c.Hosts
	if len(names) == 0 {
		names = []string{"localhost"}
	}
	var out []host
	for _, n := range names {
		h, err := parseHost(n, c.Driver)
		if err != nil {
			return nil, err
		}
		out = append(out, h)
	}
	return out, nil
}

func parseHost(s, driver string) (host, error) {
	if strings.HasPrefix(s, "postgresql://") || strings.HasPrefix(s, "postgres://") {
		if driver != "pgsql" {
			return host{}, fmt.Errorf("hosts: a postgresql:// address is for pgsql")
		}
		return host{name: withoutPassword(s), network: "uri", address: s}, nil
	}
	kind, rest, ok := strings.Cut(s, ":")
	switch {
	case ok && kind == "unix":
		return host{name: s, network: "unix", address: rest}, check(rest, s)
	case strings.HasPrefix(s, "/"):
		return host{name: s, network: "unix", address: s}, nil
	case ok && kind == "inet":
	default:
		rest = s
	}
	port := map[string]string{"pgsql": "5432", "mysql": "3306"}[driver]
	name := rest
	if h, p, err := net.SplitHostPort(rest); err == nil {
		name, port = h, p
	} else if strings.Contains(strings.Trim(rest, "[]"), ":") && !strings.HasPrefix(rest, "[") {
		return host{}, fmt.Errorf("hosts: %q is not host:port", s)
	}
	name = strings.Trim(name, "[]")
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return host{}, fmt.Errorf("hosts: %q: %q is no port", s, port)
	}
	if name == "localhost" && driver == "mysql" { // mysql_table(5): "MySQL will connect to the default UNIX domain socket"
		return host{name: s, network: "unix", address: mysqlSocket}, nil
	}
	return host{name: s, network: "tcp", address: net.JoinHostPort(name, port), host: name, port: port}, check(name, s)
}

// mysqlSocket is where MySQL and MariaDB listen on Debian.
const mysqlSocket = "/run/mysqld/mysqld.sock"

func check(part, whole string) error {
	if part == "" {
		return fmt.Errorf("hosts: %q names no host", whole)
	}
	return nil
}

// withoutPassword is a URI as it may be shown.
func withoutPassword(uri string) string {
	scheme, rest, _ := strings.Cut(uri, "://")
	rest, _, _ = strings.Cut(rest, "?")
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		rest = rest[at+1:]
	}
	return scheme + "://" + rest
}
