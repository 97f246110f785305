// Package process is what the server's process may do: it takes ports that another program opened for it, stops being root, sees no more of the
// machine than its own folders, and tells systemd how it fares. Each is a call of its own, made once, before anything is served.
package process
