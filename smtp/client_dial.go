package smtp

import (
	"context"
	"errors"
	"net"
	"os"
	"syscall"
)

// dialError makes the error of a connection that could not be opened, in Postfix's words: "connect to
// mx.example.net[192.0.2.1]:25: Connection refused".
func dialError(ctx context.Context, target string, err error) error {
	var dns *net.DNSError
	if errors.As(err, &dns) {
		r := &Reply{Code: 450, Enhanced: EnhancedCode{4, 4, 3}, Err: err,
			Text: "Host or domain name not found. Name service error for name=" + safeText(dns.Name) + " type=A: Host not found, try again"}
		if dns.IsNotFound {
			r.Code, r.Enhanced = 550, EnhancedCode{5, 4, 4}
			r.Text = "Host or domain name not found. Name service error for name=" + safeText(dns.Name) + " type=A: Host not found"
		}
		return r
	}
	host, port, e := net.SplitHostPort(target)
	where := target + "[" + target + "]"
	if e == nil {
		ip := host
		var op *net.OpError
		if errors.As(err, &op) {
			if a, ok := op.Addr.(*net.TCPAddr); ok {
				ip = a.IP.String()
			}
		}
		where = host + "[" + ip + "]:" + port
	}
	if ctx.Err() != nil {
		err = errors.Join(context.Cause(ctx), err)
	}
	return &Reply{Code: 450, Enhanced: EnhancedCode{4, 4, 1}, Text: "connect to " + safeText(where) + ": " + DialReason(err), Err: err}
}

// DialReason says in the words of the operating system why a connection could not be opened.
func DialReason(err error) string {
	var errno syscall.Errno
	var ne net.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &ne) && ne.Timeout():
		return "Connection timed out"
	case errors.As(err, &errno):
		switch errno {
		case syscall.ECONNREFUSED:
			return "Connection refused"
		case syscall.EHOSTUNREACH:
			return "No route to host"
		case syscall.ENETUNREACH:
			return "Network is unreachable"
		case syscall.ETIMEDOUT:
			return "Connection timed out"
		case syscall.ECONNRESET:
			return "Connection reset by peer"
		case syscall.ENOENT:
			return "No such file or directory"
		case syscall.EACCES:
			return "Permission denied"
		}
		return errno.Error()
	}
	return safeText(err.Error())
}
