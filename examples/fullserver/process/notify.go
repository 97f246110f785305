package process

import (
	"fmt"
	"net"
	"os"
	"strings"
	"time"
)

// Notify tells the service manager how this program fares, by the lines of sd_notify(3): "READY=1", "STOPPING=1", "STATUS=…". Where nobody asked for it
// (NOTIFY_SOCKET is empty) it does nothing.
func Notify(lines ...string) error {
	name := os.Getenv("NOTIFY_SOCKET")
	if name == "" {
		return nil
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("NOTIFY_SOCKET: %w", err)
	}
	defer c.Close()
	if err := c.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	_, err = c.Write([]byte(strings.Join(lines, "\n")))
	return err
}
