package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"strings"
)

// NormalEmail returns the form of an e-mail address that lookups use: trimmed,
// in lower case.
func NormalEmail(address string) string { return strings.ToLower(strings.TrimSpace(address)) }

// emailIndex returns the index value of an address: the SHA-256 of its
// [NormalEmail].
func emailIndex(address string) string {
	sum := sha256.Sum256([]byte(NormalEmail(address)))
	return hex.EncodeToString(sum[:])
}

// record is that of who a booking of an event is for.
func (p Person) record(code, event string) Record {
	index := map[string]string{ofEvent: event}
	if p.Email != "" {
		index[ofEmail] = emailIndex(p.Email)
	}
	return Record{Key: Key{PersonRecord, code}, Body: encode(nil, p), Index: index}
}

// BookingsFor yields the codes of all bookings for this e-mail address,
// compared as [NormalEmail] returns it. An error is the last.
func (s *Store) BookingsFor(ctx context.Context, email string) iter.Seq2[string, error] {
	value := emailIndex(email)
	return s.people(ctx, Scan{Kind: PersonRecord, Index: ofEmail, From: value, To: value + " ", Limit: MaxPage})
}

// BookingsWithPeople yields the codes of all bookings of an event whose
// personal data are not erased. An error is the last.
func (s *Store) BookingsWithPeople(ctx context.Context, event string) iter.Seq2[string, error] {
	return s.people(ctx, Scan{Kind: PersonRecord, Index: ofEvent, From: event, To: event + " ", Limit: MaxPage})
}

func (s *Store) people(ctx context.Context, scan Scan) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for r, err := range s.pages(ctx, scan) {
			if !yield(r.ID, err) {
				return
			}
		}
	}
}

// EventsWithPeople returns the ids of all events with such bookings, including
// removed events.
func (s *Store) EventsWithPeople(ctx context.Context) (events []string, err error) {
	for from := ""; ; {
		page, err := s.Records(ctx, Scan{Kind: PersonRecord, Index: ofEvent, From: from, Limit: 1})
		if err != nil || len(page) == 0 {
			return events, err
		}
		event := page[0].Index[ofEvent]
		events, from = append(events, event), event+" "
	}
}

// IndexPeople adds the indexes by e-mail address and event to records of
// persons from older programs. It reads all of them, a page at a time.
// Repeat: changes nothing.
func (s *Store) IndexPeople(ctx context.Context) error {
	for r, err := range s.pages(ctx, Scan{Kind: PersonRecord, Limit: MaxPage}) {
		if err == nil && r.Index[ofEvent] == "" {
			err = s.indexPerson(ctx, r.ID)
		}
		if err != nil {
			return fmt.Errorf("index who bookings are for: %w", err)
		}
	}
	return nil
}

func (s *Store) indexPerson(ctx context.Context, code string) error {
	b, err := s.Booking(ctx, code)
	if errors.Is(err, ErrNoBooking) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.ChangeRecord(ctx, Key{PersonRecord, code}, func(old Record) (Record, bool, error) {
		if old.Version == 0 { // erased meanwhile
			return old, true, nil
		}
		p, err := decode[Person](old)
		if err != nil {
			return old, false, err
		}
		next := p.record(code, b.Event)
		next.Body = old.Body
		return next, false, nil
	})
}
