package config

// verification is about asking other servers whether addresses take mail.
func verification() []Param {
	const g = "Asking other servers about addresses (reject_unverified_recipient, reject_unverified_sender)"
	t := func(name, def string, into field, help string) Param {
		return bounded(g, name, Time, def, 1, 0, into, help)
	}
	code := func(name string, into field, help string) Param {
		return bounded(g, name, Integer, "450", 200, 599, into, help)
	}
	out := []Param{
		works(g, "address_verify_map", Text, "btree:$data_directory/verify_cache", func(s *Settings) any { return &s.Verify.Map },
			"The file that keeps what is known. Empty: it is forgotten with every restart."),
		works(g, "address_verify_sender", Text, "$double_bounce_sender", func(s *Settings) any { return &s.Verify.Sender },
			"The sender of probes. Empty or <>: the null sender, whom many servers take nothing from."),
		refused("address_verify_sender_ttl", Time, "0s", "the sender of probes doesn't change; leave it at 0s"),
		works(g, "address_verify_negative_cache", Yes, "yes", func(s *Settings) any { return &s.Verify.Negative },
			"Remember who takes no mail as well."),
		t("address_verify_positive_expire_time", "31d", func(s *Settings) any { return &s.Verify.PositiveExpire }, "How long an address that takes mail is believed to."),
		t("address_verify_positive_refresh_time", "7d", func(s *Settings) any { return &s.Verify.PositiveRefresh }, "When it is asked for again in the background."),
		t("address_verify_negative_expire_time", "3d", func(s *Settings) any { return &s.Verify.NegativeExpire }, "How long an address that takes none is believed to."),
		t("address_verify_negative_refresh_time", "3h", func(s *Settings) any { return &s.Verify.NegativeRefresh }, "When it is asked for again in the background."),
		bounded(g, "address_verify_poll_count", Integer, "${stress?{1}:{3}}", 1, 100, func(s *Settings) any { return &s.Verify.PollCount },
			"With address_verify_poll_delay: how long a client waits for an answer before it is told to come again."),
		t("address_verify_poll_delay", "3s", func(s *Settings) any { return &s.Verify.PollDelay }, "See address_verify_poll_count."),
		bounded(g, "address_verify_pending_request_limit", Integer, "5000", 1, 1<<20, func(s *Settings) any { return &s.Verify.Pending },
			"Addresses that are asked for at a time; more have to wait."),
		inert("address_verify_cache_cleanup_interval", Time, "12h", "what is too old is forgotten when it is met"),
		works(g, "address_verify_local_transport", Text, "$local_transport", func(s *Settings) any { return &s.Verify.LocalTransport }, "local_transport for probes."),
		works(g, "address_verify_virtual_transport", Text, "$virtual_transport", func(s *Settings) any { return &s.Verify.VirtualTransport }, "virtual_transport for probes."),
		works(g, "address_verify_relay_transport", Text, "$relay_transport", func(s *Settings) any { return &s.Verify.RelayTransport }, "relay_transport for probes."),
		works(g, "address_verify_default_transport", Text, "$default_transport", func(s *Settings) any { return &s.Verify.DefaultTransport }, "default_transport for probes."),
		works(g, "address_verify_relayhost", Text, "$relayhost", func(s *Settings) any { return &s.Verify.RelayHost }, "relayhost for probes."),
		works(g, "address_verify_transport_maps", Maps, "$transport_maps", func(s *Settings) any { return &s.Verify.TransportMaps }, "transport_maps for probes."),
		works(g, "address_verify_sender_dependent_relayhost_maps", Maps, "$sender_dependent_relayhost_maps", func(s *Settings) any { return &s.Verify.SenderRelayhostMaps }, "sender_dependent_relayhost_maps for probes."),
		works(g, "address_verify_sender_dependent_default_transport_maps", Maps, "$sender_dependent_default_transport_maps", func(s *Settings) any { return &s.Verify.SenderTransportMaps }, "sender_dependent_default_transport_maps for probes."),
		works(g, "reject_tempfail_action", Text, "defer_if_permit", nil, "What unverified_recipient_tempfail_action and its like are if nothing else is said."),
	}
	for _, k := range []struct {
		name string
		u    func(*Settings) *Unverified
	}{
		{"unverified_recipient", func(s *Settings) *Unverified { return &s.Verify.Recipient }},
		{"unverified_sender", func(s *Settings) *Unverified { return &s.Verify.Of }},
	} {
		out = append(out,
			code(k.name+"_reject_code", func(s *Settings) any { return &k.u(s).Reject }, "The code of the reply about an address that takes no mail; 250 only tells the log."),
			code(k.name+"_defer_code", func(s *Settings) any { return &k.u(s).Defer }, "The code of the reply about an address of which that isn't known yet; 250 only tells the log."),
			works(g, k.name+"_reject_reason", Text, "", func(s *Settings) any { return &k.u(s).Reason }, "What is said in place of the other server's words."),
			choice(g, k.name+"_tempfail_action", Choice, "$reject_tempfail_action", []string{"defer_if_permit", "defer"}, func(s *Settings) any { return &k.u(s).Tempfail },
				"defer_if_permit: a later restriction may still refuse for good. defer: refuse at once."),
		)
	}
	return out
}
