package storetest_test

import (
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/seatlock/seatlock/store"
)

// fault names one way to be wrong; "" is none.
type fault string

// Faults of the engine.
const (
	checkThenWrite   fault = "checks and then writes"
	countThenWrite   fault = "counts and then writes"
	earlyAnnounce    fault = "announces before commit"
	announceRefused  fault = "announces refused groups"
	lateCursor       fault = "drops a change at snapshot time"
	partialGroups    fault = "grants groups in part"
	splitBatches     fault = "splits transactions"
	doubleLapse      fault = "announces a lapse twice"
	forgetsLapsed    fault = "does not tell who lost a lapsed seat"
	ignoresEpoch     fault = "takes any cursor"
	grantChecked     fault = "looks for the request and then writes"
	grantOfAll       fault = "does not ask whose request it is"
	grantRefused     fault = "remembers what was refused"
	updateChecked    fault = "checks the revision and then updates"
	updateSilent     fault = "does not tell of an update"
	updateSales      fault = "keeps the sales times"
	updateFrees      fault = "frees the seats of an updated event"
	addFrees         fault = "frees seats beside new ones"
	addLast          fault = "puts new seats last"
	addWithholds     fault = "withholds seats that are there"
	addSilent        fault = "does not tell of new seats"
	addForgets       fault = "forgets the plan before"
	addTells         fault = "tells of new seats one by one"
	tornDecision     fault = "writes seats without their records"
	recordsFirst     fault = "writes records before it looks at seats"
	refusalWrites    fault = "writes down that it refused"
	firstCounts      fault = "returns the decision of the first call"
	mixedInstants    fault = "answers from two instants"
	namedLater       fault = "names seats at one instant and reads them at another"
	reliedIgnored    fault = "forgets seats that are relied on"
	unwrittenIgnored fault = "forgets records that are only read"
	recordBlind      fault = "writes records over any version"
	touchedIgnored   fault = "forgets who is touched"
	duplicateFails   fault = "fails when a record is there already"
	collisionSpreads fault = "fails others when a record is there already"
	expiredFound     fault = "finds expired records"
	expiredListed    fault = "lists expired records"
	expiredShortens  fault = "has expired records shorten a page"
	versionReused    fault = "counts a record that was deleted from the start"
	scanCase         fault = "does not tell capital letters in an index"
	scanTies         fault = "orders equal values backwards"
	scanSkips        fault = "skips equal values between pages"
	scanInclusive    fault = "includes the end of a scan"
	scanLosesLast    fault = "loses the last page"
	scanStale        fault = "keeps records in an index that they left"
	recordsTold      fault = "tells of records in the feed"
	bodyRewritten    fault = "writes bodies in its own words"
	versionJumps     fault = "counts a record's write twice"
	anyKind          fault = "takes any kind and index"
	reasonDropped    fault = "drops reasons"
	reasonGuessed    fault = "tells a takeover as a lapse"
	nameIgnored      fault = "does not have seats named"
	nameOnce         fault = "has seats named once"
	staleDefinition  fault = "shows the first definition"
	heldLive         fault = "forgets lapsed seats of a holder"
	heldUnpaid       fault = "forgets paying seats of a holder"
	bookingLost      fault = "loses the booking of a seat"
	refusalEarly     fault = "tells no cursor of a refusal"
	endedWritten     fault = "acknowledges what an ended ctx has stopped"
	endedTorn        fault = "writes half of it when the ctx ends"
	claimsNothing    fault = "finds no seat that is somebody's"
	extendedLost     fault = "does not keep that a clock was extended"
	extendedUntold   fault = "does not tell that a clock was extended"
	extendedStays    fault = "keeps of a seat that a clock was extended"
	hiddenLost       fault = "shows what is hidden"
	claimsWithheld   fault = "takes what is withheld for somebody's"
	definesBlind     fault = "forgets seats that a redefinition relies on"
	removeKeeps      fault = "keeps an event that was removed"
	removeSilent     fault = "does not tell of a removal"
	defineAnyway     fault = "redefines what the rule refuses"
	payingSwept      fault = "sweeps seats that are being paid for"
	futureKept       fault = "leaves locks of the future as they are"
	futureFreed      fault = "frees locks of the future"
	clockLost        fault = "sweeps clocks of payments"
)

// Faults of the rules, which the engine works by tampering with what they see
// or say.
const (
	noOwnerCheck     fault = "skips the owner check"
	noExpiry         fault = "forgets expiry"
	resetClock       fault = "resets the clock"
	bumpRepeat       fault = "changes a repeated lock"
	extendsTwice     fault = "extends without end"
	unlocksForgetful fault = "forgets the clock with the last seat"
	grantForgotten   fault = "forgets requests"
	grantForEver     fault = "remembers requests for ever"
	grantNew         fault = "remembers only what was locked anew"
	grantBlind       fault = "takes a known request for a granted one"
	payingExtended   fault = "extends seats that are being paid for"
	payingGivenBack  fault = "gives back seats that are being paid for"
	payingUncounted  fault = "does not count seats that are being paid for"
	payingOver       fault = "forgets a payment when the clock is over"
	payingTaken      fault = "takes seats that are being paid for"
	bookedSold       fault = "sells booked seats"
	clockAtCheckout  fault = "starts no clock beside a payment"
	limitByRequest   fault = "counts only the seats of the request"
	closedSold       fault = "sells when sales are closed"
	withheldSold     fault = "sells withheld seats"
	withholdTakes    fault = "withholds seats that somebody has"
	takeoverQuiet    fault = "does not tell who had a seat"
	freesPaid        fault = "frees seats that are being paid for"
	freesOnlyLive    fault = "frees a lapsed seat as if it were live"
)

// Faults of redefinition, worked the same way.
const (
	updateInPart fault = "keeps the venue"
	updateMoney  fault = "takes another currency or plan"
	updateMade   fault = "makes the event that is to be updated"
	updateBlind  fault = "updates from any revision"
	updateEarly  fault = "does not tell how a stale event stands"
	updateRepeat fault = "counts a repeated update"
	updateFirst  fault = "forgets the first definition"
	addDrops     fault = "drops seats that the new plan lacks"
	addBlind     fault = "adds seats from any revision"
	addRepeat    fault = "counts repeated new seats"
)

type rule = func(store.View) store.Decision

// says reports whether the decision changes seats for that reason.
func says(d store.Decision, why store.Reason) bool {
	return slices.ContainsFunc(d.Writes().Changes, func(c store.Change) bool { return c.Reason == why })
}

// seen returns the view with all its seats changed.
func seen(v store.View, change func(*store.Seat)) store.View {
	v.Seats, v.Held = slices.Clone(v.Seats), slices.Clone(v.Held)
	for _, seats := range [][]store.Seat{v.Seats, v.Held} {
		for i := range seats {
			change(&seats[i])
		}
	}
	return v
}

// tampered is the view that a fault shows the rule, and the reason for which
// the rule must then change seats: else the fault lets it see the truth.
func (s *toy) tampered(v store.View) (_ store.View, why store.Reason, ok bool) {
	const far = 1000 * time.Hour
	locked := func(seat *store.Seat) { seat.Status, seat.Booking, seat.LockedUntil = store.Locked, "", v.Now.Add(far) }
	switch s.fault {
	case noOwnerCheck:
		return seen(v, func(seat *store.Seat) {
			if seat.Status == store.Locked {
				seat.LockedBy = v.Holder
			}
		}), store.ReasonGivenBack, true
	case resetClock:
		v.Clock.Deadline = v.Now
		return v, store.ReasonLocked, true
	case bumpRepeat:
		return seen(v, func(seat *store.Seat) {
			if seat.LockedBy == v.Holder {
				seat.LockedUntil = v.Now
			}
		}), store.ReasonLocked, true
	case extendsTwice:
		v.Clock.Extended = false
		return v, store.ReasonExtended, true
	case payingExtended, payingGivenBack, freesPaid:
		return seen(v, func(seat *store.Seat) {
			if seat.Status == store.Paying {
				locked(seat)
			}
		}), map[fault]store.Reason{payingExtended: store.ReasonExtended, payingGivenBack: store.ReasonGivenBack, freesPaid: store.ReasonReleased}[s.fault], true
	case payingUncounted:
		v.Held = slices.DeleteFunc(slices.Clone(v.Held), func(seat store.Seat) bool { return seat.Status == store.Paying })
		return v, store.ReasonLocked, true
	case limitByRequest:
		v.Held = nil
		return v, store.ReasonLocked, true
	case closedSold:
		v.Event.SalesOpen, v.Event.SalesClose, v.Event.Starts = time.Time{}, time.Time{}, v.Now
		return v, store.ReasonLocked, true
	case payingTaken, bookedSold, withheldSold:
		status := map[fault]store.Status{payingTaken: store.Paying, bookedSold: store.Booked, withheldSold: store.Withheld}[s.fault]
		return seen(v, func(seat *store.Seat) {
			if seat.Status == status && (seat.LockedBy != v.Holder || status != store.Paying) {
				seat.Status = store.Available
			}
		}), store.ReasonLocked, true
	case freesOnlyLive:
		return seen(v, func(seat *store.Seat) {
			if seat.Status == store.Locked {
				locked(seat)
			}
		}), store.ReasonReleased, true
	case withholdTakes:
		return seen(v, func(seat *store.Seat) {
			if seat.Status == store.Locked {
				seat.LockedUntil = v.Now
			}
		}), store.ReasonWithheld, true
	case clockAtCheckout:
		if slices.ContainsFunc(v.Held, func(seat store.Seat) bool { return seat.Status == store.Paying }) {
			v.Clock.Deadline = v.Clock.Deadline.Add(far)
		}
		return v, store.ReasonLocked, true
	case takeoverQuiet:
		return seen(v, func(seat *store.Seat) {
			if seat.FreeAt(v.Now) {
				seat.LockedBy = ""
			}
		}), store.ReasonLocked, true
	}
	return s.tamperedSale(v)
}

// ruled has the rule decide, or what a fault makes of it.
func (s *toy) ruled(q store.Question, v store.View, rule rule) store.Decision {
	if view, why, ok := s.tampered(v); ok {
		if d := rule(view); says(d, why) {
			return d
		}
		return rule(v)
	}
	switch s.fault {
	case noExpiry:
		return rule(seen(v, func(seat *store.Seat) {
			if seat.LockedBy != v.Holder {
				seat.LockedUntil = seat.LockedUntil.AddDate(1, 0, 0)
			}
		}))
	case payingOver:
		if !v.Clock.RunsAt(v.Now) {
			v.Held = nil
		}
		return rule(v)
	case grantForgotten:
		v.Clock.Grants = nil
		return rule(v)
	}
	d := s.sold(v, rule(v), rule)
	w, out := d.Writes(), d.Outcome()
	known := slices.ContainsFunc(v.Clock.Grants, func(g store.Grant) bool { return slices.Equal(g.Seats, idsOf(v.Seats)) })
	switch {
	case s.fault == unlocksForgetful && says(d, store.ReasonGivenBack) && len(out.Lock.Seats) == 0:
		w.Clock = &store.Clock{}
	case s.fault == grantForEver && w.Clock != nil && !v.Clock.RunsAt(v.Now):
		clock := *w.Clock
		clock.Grants = slices.Concat(v.Clock.Grants, clock.Grants)
		w.Clock = &clock
	case s.fault == grantNew && len(w.Changes) == 0 && q.Name != nil:
		w = store.Writes{}
	case s.fault == grantBlind && q.Name != nil && known && v.Clock.RunsAt(v.Now):
		out.Seats, w = v.Seats, store.Writes{}
	default:
		return d
	}
	return store.Accept(v, out, w)
}

func idsOf(seats []store.Seat) (ids []string) {
	for _, seat := range seats {
		ids = append(ids, seat.ID)
	}
	return ids
}

// nameView is what a question's seats are named by.
func (s *toy) nameView(h *hall, v store.View) store.View {
	switch s.fault {
	case grantForgotten:
		v.Clock.Grants = nil
	case grantForEver:
		v.Clock.Deadline = v.Now.AddDate(1, 0, 0)
	case grantOfAll:
		v.Clock.Version, v.Clock.Deadline = 1, v.Now.AddDate(1, 0, 0)
		for _, who := range slices.Sorted(maps.Keys(h.clocks)) {
			if c := h.clocks[who]; c.RunsAt(v.Now) {
				v.Clock.Grants = slices.Concat(v.Clock.Grants, c.Grants)
			}
		}
	}
	return v
}

// writes is what a decision writes, or a fault in its place.
func (s *toy) writes(q store.Question, v store.View, d store.Decision, rule rule) store.Writes {
	if d.Refusal() == nil || v.Event.ID == "" {
		return s.rewrittenWrites(d.Writes())
	}
	free := func(seat store.Seat) bool { return seat.FreeAt(v.Now) }
	switch s.fault {
	case partialGroups:
		v.Seats = slices.DeleteFunc(slices.Clone(v.Seats), func(seat store.Seat) bool { return !free(seat) })
		return rule(v).Writes()
	case announceRefused:
		s.announceFree(q.Event, slices.DeleteFunc(slices.Clone(v.Seats), func(seat store.Seat) bool { return !free(seat) || seat.Version == 0 }))
	case grantRefused:
		forgiven := rule(seen(v, func(seat *store.Seat) { seat.Status, seat.Version = store.Available, 1 })).Writes().Clock
		if forgiven != nil && v.Clock.RunsAt(v.Now) {
			return store.Writes{Clock: forgiven}
		}
	case refusalWrites:
		return store.Writes{Records: slices.DeleteFunc(slices.Clone(v.Records), func(r store.Record) bool { return r.Version == 0 })}
	}
	return store.Writes{}
}

// announceFree tells of seats as if they were locked.
func (s *toy) announceFree(event string, seats []store.Seat) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, seat := range seats {
		s.announce(store.Batch{Changes: []store.Change{store.NewChange(event, seat, store.Seat{Status: store.Locked}, store.ReasonLocked)}})
	}
}

// told is the cursor that comes with a decision.
func (s *toy) told(d store.Decision, at store.Cursor) store.Cursor {
	if d.Refusal() != nil && s.fault == refusalEarly {
		return store.Cursor{Epoch: at.Epoch, Position: 1}
	}
	return at
}

// worded is the changes as the feed has them.
func (s *toy) worded(changes []store.Change) []store.Change {
	changes = slices.Clone(changes)
	for i, c := range changes {
		switch {
		case s.fault == forgetsLapsed && c.Loss() == store.ReasonLapsed:
			changes[i].Before = ""
		case s.fault == reasonDropped:
			changes[i].Reason = store.ReasonChanged
		case s.fault == reasonGuessed && c.Loss() == store.ReasonLapsed:
			changes[i].Reason = store.ReasonLapsed
		case s.fault == extendedUntold:
			changes[i].Seat.Extended = false
		}
	}
	return changes
}

// duplicate fails as some engines do when a record is there that was not.
func (s *toy) duplicate(v store.View) error {
	for _, r := range v.Records {
		if r.Version == 0 && s.records[r.Key].LiveAt(v.Now) {
			switch s.fault {
			case duplicateFails:
				return store.ErrUnavailable
			case collisionSpreads:
				s.fail = true
			}
		}
	}
	return nil
}

// paged is a page as it is returned.
func (s *toy) paged(page []store.Record, limit int) []store.Record {
	if s.fault == scanLosesLast && len(page) < limit {
		return nil
	}
	if s.fault == expiredShortens {
		return slices.DeleteFunc(page, func(r store.Record) bool { return !r.LiveAt(now()) })
	}
	return page
}

// ranked is the order of seats that a plan gives.
func (s *toy) ranked(h *hall, ids []string) []string {
	ids = slices.Clone(ids)
	if s.fault == addLast {
		rank := func(id string) int {
			if _, there := h.seats[id]; there {
				return 0
			}
			return 1
		}
		slices.SortStableFunc(ids, func(a, b string) int { return rank(a) - rank(b) })
	}
	return ids
}

// announceDefinition tells of a redefinition, or what a fault has it be.
func (s *toy) announceDefinition(h *hall, old store.Definition, next store.Redefinition, fresh []store.Seat) {
	added, updated := old.ID != "" && next.Plan != nil, old.ID != "" && next.Plan == nil
	batch := store.Batch{Events: []string{h.ID}}
	switch {
	case s.fault == updateSilent && updated, s.fault == addSilent && added:
		return
	case s.fault == addTells && added:
		for _, seat := range fresh {
			batch.Changes = append(batch.Changes, store.Change{Event: h.ID, Seat: seat})
		}
	case s.fault == updateFrees && updated:
		for id, seat := range h.seats {
			h.seats[id] = store.Seat{ID: id, Version: seat.Version + 1}
		}
	}
	s.announce(batch)
}

// redefined has the rule redefine, or what a fault makes of it.
func (s *toy) redefined(d store.Definition, rule func(store.Definition) (store.Redefinition, error)) (store.Redefinition, error) {
	next, err := rule(d)
	seats := next.Plan != nil || d.Seats != nil
	switch {
	case s.fault == updateInPart && d.ID != "" && err == nil:
		next.Venue = d.Venue
	case s.fault == updateFirst && d.ID != "" && err == nil:
		next.Fingerprint = "of the second definition"
	case s.fault == updateMade && errors.Is(err, store.ErrNoEvent):
		return store.Redefinition{}, nil
	case s.fault == updateEarly && errors.Is(err, store.ErrStale):
		_, _ = rule(store.Definition{})
	case s.fault == updateMoney && errors.Is(err, store.ErrInvalid):
		return otherMoney(d, rule)
	case s.fault == addDrops && errors.Is(err, store.ErrInvalid):
		return withoutSeat(d, rule)
	case (s.fault == updateBlind && !seats || s.fault == addBlind && seats) && errors.Is(err, store.ErrStale):
		return fromAnyRevision(d, rule)
	case (s.fault == updateRepeat && !seats || s.fault == addRepeat && seats) && err == nil && next.ID == "" && !creates(d, rule):
		next.Event, next.Fingerprint = d.Event, d.Fingerprint
		next.Revision++
	case s.fault == defineAnyway && err != nil && next.ID == "":
		next.Event, next.Fingerprint = d.Event, d.Fingerprint
		next.Revision++
	}
	return next, err
}

// creates reports whether the rule is that of a creation.
func creates(d store.Definition, rule func(store.Definition) (store.Redefinition, error)) bool {
	d.Fingerprint = "another"
	_, err := rule(d)
	return errors.Is(err, store.ErrExists)
}

func otherMoney(d store.Definition, rule func(store.Definition) (store.Redefinition, error)) (next store.Redefinition, err error) {
	was := d.Event
	for _, d.Currency = range []string{was.Currency, "CHF"} {
		for _, d.Plan = range []string{was.Plan, store.PlanHash([]byte("another"))} {
			if next, err = rule(d); err == nil {
				return next, nil
			}
		}
	}
	return next, err
}

func withoutSeat(d store.Definition, rule func(store.Definition) (store.Redefinition, error)) (next store.Redefinition, err error) {
	all := d.Seats
	for i := range all {
		d.Seats = slices.Delete(slices.Clone(all), i, i+1)
		if next, err = rule(d); err == nil {
			return next, nil
		}
	}
	return next, err
}

func fromAnyRevision(d store.Definition, rule func(store.Definition) (store.Redefinition, error)) (next store.Redefinition, err error) {
	was := d.Revision
	for d.Revision = -1; d.Revision <= was+10; d.Revision++ {
		if next, err = rule(d); err == nil {
			next.Revision = was + 1
			return next, nil
		}
	}
	return next, err
}
