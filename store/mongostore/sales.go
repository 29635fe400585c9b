package mongostore

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"

	"github.com/seatlock/seatlock/store"
)

// salesAge is for how long it may go unnoticed that an event was redefined.
const salesAge = time.Second

// salesTimes has when events are on sale, each read not long ago.
type salesTimes struct {
	mu    sync.Mutex
	known map[string]salesTime
}

type salesTime struct {
	event store.Event // only when it is on sale, and its revision; the zero ID is none
	read  time.Time
}

func (t *salesTimes) get(event string) (e store.Event, known bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	one, known := t.known[event]
	return one.event, known && time.Since(one.read) < salesAge
}

// put keeps the newest: what was read before an update may come after it, within
// the time that one takes. Later, another revision is that of an event that was
// removed and made again.
func (t *salesTimes) put(one salesTime) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.known == nil {
		t.known = map[string]salesTime{}
	}
	if old, known := t.known[one.event.ID]; !known || old.event.Revision <= one.event.Revision || one.read.Sub(old.read) > planTimeout {
		t.known[one.event.ID] = one
	}
}

func (t *salesTimes) forget(event string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.known, event)
}

// eventFinder returns a group's event, the zero ID for none. It is called in
// the group's transaction.
type eventFinder func(context.Context) (store.Event, error)

// eventFinder begins to look for what the group asks of its event. Sales times
// are read beside the transaction, which would take a round trip longer, and
// not for each group. Where a whole definition is asked for, it is of the
// transaction's instant.
func (e *Engine) eventFinder(ctx context.Context, o *opened, event string, group []*request) eventFinder {
	switch known, fresh := o.sales.get(event); {
	case event == "":
		return func(context.Context) (store.Event, error) { return store.Event{}, nil }
	case slices.ContainsFunc(group, func(r *request) bool { return r.Definition }):
		return func(ctx context.Context) (store.Event, error) {
			d, err := e.findEvent(ctx, event)
			return d.event(), err
		}
	case fresh:
		return func(context.Context) (store.Event, error) { return known, nil }
	}
	one := salesTime{read: time.Now()}
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		switch one.event, err = e.readSales(ctx, event); {
		case one.event.ID != "":
			o.sales.put(one)
		case err == nil:
			o.sales.forget(event)
		}
	}()
	return func(context.Context) (store.Event, error) {
		<-done
		return one.event, err
	}
}

// readSales reads what the primary has, which may not know yet what of that a
// majority has committed.
func (e *Engine) readSales(ctx context.Context, event string) (store.Event, error) {
	events := e.db.Collection(eventsColl, options.Collection().SetReadConcern(readconcern.Local()))
	var d eventDocument // in part
	err := events.FindOne(ctx, byID(event), options.FindOne().SetProjection(bson.D{
		{Key: "starts", Value: 1}, {Key: "salesOpen", Value: 1}, {Key: "salesClose", Value: 1}, {Key: "revision", Value: 1}})).Decode(&d)
	if errors.Is(err, mongo.ErrNoDocuments) {
		return store.Event{}, nil
	}
	return d.event(), err
}
