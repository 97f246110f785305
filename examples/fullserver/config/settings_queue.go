package config

import "time"

// Notices are the parameters of reports about mail that can't be delivered.
type Notices struct {
	Classes            []string // notify_classes
	BounceRecipient    string
	DoubleRecipient    string // 2bounce_notice_recipient
	DelayRecipient     string
	DoubleBounceSender string
	SizeLimit          int64
	TemplateFile       string
	Language           string
	SoftBounce         bool
	SureSenders        string // bounce_least_origin
}

// Scheduling are the parameters of the queue's order and pace.
type Scheduling struct {
	InitialConcurrency                          int64
	RecipientLimit                              int64 // of one delivery
	FailedCohorts                               int64
	DefaultRateDelay, DefaultTransportRateDelay time.Duration

	ActiveMessages   int64
	ActiveRecipients int64
	RecipientMinimum int64
	MinFree          int64
	LongIDs          bool
}
