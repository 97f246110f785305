package config

// notices are about what is told of mail that can't be delivered, to its sender and to the postmaster.
func notices() []Param {
	const g = "Telling of mail that can't be delivered"
	row := func(name string, kind Kind, def string, into func(*Settings) any, help string) Param {
		return Param{Name: name, Group: g, Kind: kind, Default: def, into: into, Help: help}
	}
	to := func(name, what string, into func(*Settings) any) Param {
		return row(name, Text, "postmaster", into, "Who gets "+what+". An address without a domain gets $myorigin.")
	}
	classes := row("notify_classes", List, "resource, software", func(s *Settings) any { return &s.Notices.Classes },
		"What the postmaster is told of, beside the log. bounce: the header of mail that was returned; 2bounce, which bounce includes: mail from the null sender that can't be delivered, such as a report, whole, for nobody else hears of it; delay: the header of mail whose sender was told of a delay. data, policy, protocol, resource and software are taken and change nothing: of these the log tells.")
	classes.Choices = []string{"bounce", "2bounce", "data", "delay", "policy", "protocol", "resource", "software"}
	size := row("bounce_size_limit", Size, "50000", func(s *Settings) any { return &s.Notices.SizeLimit },
		"Of a larger message, in octets, only the header is returned.")
	size.Min, size.Max = 1, 1<<40
	language := row("notice_language", Choice, "en", func(s *Settings) any { return &s.Notices.Language },
		"The language of reports: en, English, or vi, Vietnamese. A message that names one of them in Accept-Language or Content-Language (RFC 3282) is reported in that one.")
	language.Choices = []string{"en", "vi"}
	sure := row("bounce_least_origin", Choice, "neutral", func(s *Settings) any { return &s.Notices.SureSenders },
		"How sure it must be that mail came from its sender for him to get reports about it, so that nobody hears of mail that others have sent in his name: forged, all get them; neutral, all but those against whom SPF or DMARC speaks; verified, those for whom SPF, DKIM or DMARC speaks; local, users and mynetworks.")
	sure.Choices = []string{"forged", "neutral", "verified", "local"}
	return []Param{
		classes,
		to("bounce_notice_recipient", "what notify_classes' bounce is about", func(s *Settings) any { return &s.Notices.BounceRecipient }),
		to("2bounce_notice_recipient", "what notify_classes' 2bounce is about", func(s *Settings) any { return &s.Notices.DoubleRecipient }),
		to("delay_notice_recipient", "what notify_classes' delay is about", func(s *Settings) any { return &s.Notices.DelayRecipient }),
		row("double_bounce_sender", Text, "double-bounce", func(s *Settings) any { return &s.Notices.DoubleBounceSender },
			"The sender of what 2bounce_notice_recipient gets. What can't be delivered from there is dropped, so that reports about reports end."),
		size,
		row("bounce_template_file", Path, "", func(s *Settings) any { return &s.Notices.TemplateFile },
			"The words of reports, in the form of bounce(5), in place of ours in whatever language. Read again at SIGHUP."),
		language,
		sure,
		row("soft_bounce", Yes, "no", func(s *Settings) any { return &s.Notices.SoftBounce },
			"Keep mail that would be returned, however old, and answer 4xx where mail would be refused for good, while you try something. Answers about a command's syntax stay as they are."),
	}
}

// scheduling is about the queue's order and pace.
func scheduling() []Param {
	const g = "The queue"
	row := func(name string, kind Kind, def string, least, most int64, into func(*Settings) any, help string) Param {
		return Param{Name: name, Group: g, Kind: kind, Default: def, Min: least, Max: most, into: into, Help: help}
	}
	return []Param{
		row("initial_destination_concurrency", Integer, "5", 1, 10000, func(s *Settings) any { return &s.Scheduling.InitialConcurrency },
			"Deliveries at once to a destination of which nothing is known yet; default_destination_concurrency_limit at most."),
		row("default_destination_recipient_limit", Integer, "50", 1, 100000, func(s *Settings) any { return &s.Scheduling.RecipientLimit },
			"Recipients of one message that are sent to another server at a time."),
		row("default_destination_rate_delay", Time, "0s", 0, 0, func(s *Settings) any { return &s.Scheduling.DefaultRateDelay }, "Least time between two deliveries to one destination; smtp_destination_rate_delay and its like say it for one transport."),
		row("default_transport_rate_delay", Time, "0s", 0, 0, func(s *Settings) any { return &s.Scheduling.DefaultTransportRateDelay }, "Least time between two deliveries by one transport; smtp_transport_rate_delay and its like say it for one."),
		row("default_destination_concurrency_failed_cohort_limit", Integer, "1", 0, 1000, func(s *Settings) any { return &s.Scheduling.FailedCohorts },
			"How many times all deliveries at once must fail before a destination is taken for dead; 0 for never."),
		row("qmgr_message_active_limit", Integer, "20000", 1, 1<<24, func(s *Settings) any { return &s.Scheduling.ActiveMessages },
			"Messages in delivery at a time; others wait on disk."),
		row("qmgr_message_recipient_limit", Integer, "20000", 1, 1<<24, func(s *Settings) any { return &s.Scheduling.ActiveRecipients },
			"Their recipients in memory."),
		row("qmgr_message_recipient_minimum", Integer, "10", 1, 1<<24, func(s *Settings) any { return &s.Scheduling.RecipientMinimum },
			"Recipients of a message that are read even when there are as many in memory."),
		row("queue_minfree", Size, "0", 0, 1<<50, func(s *Settings) any { return &s.Scheduling.MinFree },
			"Octets that must stay free on the queue's disk for mail to be taken; 0 for 32 MiB."),
		row("enable_long_queue_ids", Yes, "no", 0, 0, func(s *Settings) any { return &s.Scheduling.LongIDs },
			"Queue IDs that don't come back after their message is gone."),
	}
}
