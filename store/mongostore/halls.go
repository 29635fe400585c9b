package mongostore

import (
	"context"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/mongo"
)

// Halls tells see of each event that the database which uri names has: its id, its
// plan, and the ids of its seats in the plan's order. Servers and commands may work
// on it meanwhile, and nothing is written. It is for a database in which [Check] has
// found nothing.
func Halls(ctx context.Context, uri string, see func(event string, plan []byte, seats []string)) error {
	e, err := connect(uri, Options{})
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	c := checker{Engine: e}
	if err = c.halls(ctx, see); err != nil && ctx.Err() == nil {
		err = fmt.Errorf("store %s: %w", e.settings.place, e.diagnose(ctx, err))
	}
	return errors.Join(err, e.Close())
}

func (c *checker) halls(ctx context.Context, see func(event string, plan []byte, seats []string)) error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	if err := c.checkServers(ctx); err != nil {
		return err
	}
	ids, err := c.eachEvent(ctx)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := c.atOneInstant(ctx, func(ctx context.Context, _ *mongo.Session) error { return c.hall(ctx, id, see) }); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) hall(ctx context.Context, id string, see func(event string, plan []byte, seats []string)) error {
	var d eventDocument
	if err := c.db.Collection(eventsColl).FindOne(ctx, byID(id)).Decode(&d); err != nil {
		if errors.Is(err, mongo.ErrNoDocuments) { // removed meanwhile
			return nil
		}
		return err
	}
	plan, err := c.planBody(ctx, d.Plan)
	if err != nil {
		return err
	}
	documents, err := c.allSeats(ctx, id)
	if err != nil {
		return err
	}
	seats := make([]string, len(documents))
	for i, s := range documents {
		seats[i] = s.seat.ID
	}
	see(id, plan, seats)
	return nil
}
