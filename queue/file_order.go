package queue

// appendOrder adds a journal line to buf and returns the checksum that the next one continues.
func appendOrder(buf []byte, sum uint32, o *Order) ([]byte, uint32) {
	w := lineWriter{buf}
	at := len(buf)
	w.kind("order")
	w.flag("expire", o.Expire)
	w.reply(o.Fail)
	if o.Route != nil {
		w.str("transport", o.Route.Transport)
		w.str("nexthop", o.Route.Nexthop)
	}
	return w.seal(at, sum)
}

// addLine adds a later order to o.
func (o *Order) addLine(l *line) error {
	fail, err := parseReply(l)
	if err != nil {
		return err
	}
	if fail != nil {
		o.Fail = fail
	}
	o.addRoute(l)
	o.Expire = o.Expire || l.get("expire") == "yes"
	return nil
}

func (o *Order) addRoute(l *line) {
	if transport, ok := l.lookup("transport"); ok {
		o.Route = &Route{Transport: transport, Nexthop: l.get("nexthop")}
	}
}
