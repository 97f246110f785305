package config

// checks is about what is looked for in messages.
func checks() []Param {
	const g = "Looking into messages"
	return []Param{
		works(g, "header_checks", Maps, "", func(s *Settings) any { return &s.Checks.Header },
			"Patterns of header lines and what to do with such a message (header_checks(5))."),
		works(g, "mime_header_checks", Maps, "$header_checks", func(s *Settings) any { return &s.Checks.MIMEHeader },
			"The same for header fields about MIME."),
		works(g, "nested_header_checks", Maps, "$header_checks", func(s *Settings) any { return &s.Checks.NestedHeader },
			"The same for headers of attached messages."),
		works(g, "body_checks", Maps, "", func(s *Settings) any { return &s.Checks.Body },
			"The same for lines of the body."),
		works(g, "body_checks_size_limit", Size, "51200", func(s *Settings) any { return &s.Checks.BodySize },
			"How much of each part is looked at."),
		works(g, "header_size_limit", Size, "102400", func(s *Settings) any { return &s.Checks.HeaderSize },
			"How much of a header field is looked at."),
		works(g, "smtp_header_checks", Maps, "", func(s *Settings) any { return &s.Checks.Out.Header },
			"header_checks for messages to other servers: lines are changed on their way out, by IGNORE, STRIP, PREPEND and REPLACE."),
		works(g, "smtp_mime_header_checks", Maps, "", func(s *Settings) any { return &s.Checks.Out.MIMEHeader },
			"The same for header fields about MIME."),
		works(g, "smtp_nested_header_checks", Maps, "", func(s *Settings) any { return &s.Checks.Out.NestedHeader },
			"The same for headers of attached messages."),
		works(g, "smtp_body_checks", Maps, "", func(s *Settings) any { return &s.Checks.Out.Body },
			"The same for lines of the body."),
		refused("lmtp_header_checks", Maps, "", "use header_checks, which sees the message when it comes in"),
		inert("header_address_token_limit", Integer, "10240", "headers are read by their octets"),
	}
}
