package demo

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/seatlock/seatlock/checkout"
	"github.com/seatlock/seatlock/store"
)

// payment is the body of a record of the ledger. Its methods are pure: each
// returns the payment as it is afterwards.
type payment struct {
	State    state     `json:"state"`
	Amount   int64     `json:"amount"`
	Currency string    `json:"currency"`
	Deadline time.Time `json:"deadline"`
	Return   string    `json:"return"`
	// Silent is until when no call about the payment is answered.
	Silent time.Time `json:"silent,omitzero"`
	// Refunds are all that were ever asked for, by their keys. A refused one is
	// kept, so that it stays refused.
	Refunds map[string]refund `json:"refunds,omitempty"`
}

type refund struct {
	Amount  int64 `json:"amount"`
	Refused bool  `json:"refused,omitempty"`
}

// state is a checkout.State that is stored by its name.
type state checkout.State

func (s state) MarshalText() ([]byte, error) { return []byte(checkout.State(s).String()), nil }

func (s *state) UnmarshalText(name []byte) error {
	for one := checkout.Open; one <= checkout.Dead; one++ {
		if one.String() == string(name) {
			*s = state(one)
			return nil
		}
	}
	return fmt.Errorf("a payment that is %q", name)
}

func (p payment) is(s checkout.State) bool { return p.State == state(s) }

func (p payment) become(s checkout.State) payment {
	p.State = state(s)
	return p
}

// started is a payment that is asked for anew: the one that there is, unless it
// is about something else.
func (p payment) started(asked checkout.Payment) (payment, error) {
	if p.Amount != asked.Amount || p.Currency != asked.Currency {
		return p, fmt.Errorf("%w: the payment is about another amount", checkout.ErrRefused)
	}
	return p, nil
}

func (p payment) pay() (payment, error) {
	switch {
	case p.is(checkout.Open):
		return p.become(checkout.Authorized), nil
	case p.is(checkout.Dead):
		return p, ErrEnded
	}
	return p, ErrPaid
}

func (p payment) payLate(silentUntil time.Time) (payment, error) {
	p, err := p.pay()
	if err != nil {
		return p, err
	}
	p.Silent = silentUntil
	return p.become(checkout.Captured), nil
}

func (p payment) decline() (payment, error) {
	if p.is(checkout.Authorized) || p.is(checkout.Captured) {
		return p, ErrPaid
	}
	return p.become(checkout.Dead), nil
}

func (p payment) capture() (payment, error) {
	if p.is(checkout.Authorized) {
		return p.become(checkout.Captured), nil
	}
	return p, nil
}

func (p payment) cancel() (payment, error) {
	if p.is(checkout.Captured) {
		return p, nil
	}
	return p.become(checkout.Dead), nil
}

// refund keeps a refund, granted or refused. A key that is there stays as it is.
func (p payment) refund(r checkout.Repayment) payment {
	if _, there := p.Refunds[r.Key]; there {
		return p
	}
	granted := p.is(checkout.Captured) && r.Currency == p.Currency && r.Amount > 0 && r.Amount <= p.Amount-p.refunded()
	p.Refunds = maps.Clone(p.Refunds)
	if p.Refunds == nil {
		p.Refunds = map[string]refund{}
	}
	p.Refunds[r.Key] = refund{Amount: r.Amount, Refused: !granted}
	return p
}

// refundAnswer is what the caller is told of a refund that is kept.
func (p payment) refundAnswer(r checkout.Repayment) error {
	if kept := p.Refunds[r.Key]; kept.Refused || kept.Amount != r.Amount || r.Currency != p.Currency {
		return checkout.ErrRefused
	}
	return nil
}

// refunded is what has been paid back.
func (p payment) refunded() (total int64) {
	for _, r := range p.Refunds {
		if !r.Refused {
			total += r.Amount
		}
	}
	return total
}

// errSilent is no answer; see [Provider.PayLate].
var errSilent = errors.New("the provider does not answer")

// always is when no payment is silent: the visitor sees it as it is.
var always = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// decode reads a payment as it is at now. Of one that is silent there is no
// answer.
func decode(r store.Record, now time.Time) (p payment, err error) {
	if r.Version == 0 {
		return p, checkout.ErrNotFound
	}
	if err := json.Unmarshal(r.Body, &p); err != nil {
		return p, fmt.Errorf("a record of the demo ledger: %w", err)
	}
	if now.Before(p.Silent) {
		return p, errSilent
	}
	return p, nil
}

// encode keeps what a newer program has written in old.
func (p payment) encode(old json.RawMessage) (json.RawMessage, error) {
	body, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	return store.KeepUnknown(old, body, "silent", "refunds")
}
