package sqlitestore

import (
	"context"

	"zombiezen.com/go/sqlite"
)

// Halls tells see of each event that the store at path has: its id, its plan, and
// the ids of its seats in the plan's order. Servers and commands may work on the
// store meanwhile, and nothing is written. It is for a store in which [Check] has
// found nothing.
func Halls(ctx context.Context, path string, see func(event string, plan []byte, seats []string)) error {
	err := lookInto(ctx, path, func(r reader) error {
		c := checker{reader: r}
		return c.each(`SELECT id, plan FROM events ORDER BY id`, func(stmt *sqlite.Stmt) error {
			id := stmt.ColumnText(0)
			plan, err := c.plan(stmt.ColumnText(1))
			if err != nil {
				return err
			}
			var seats []string
			err = c.each(`SELECT id FROM seats WHERE event = ? ORDER BY place`, func(stmt *sqlite.Stmt) error {
				seats = append(seats, stmt.ColumnText(0))
				return nil
			}, id)
			if err == nil {
				see(id, plan, seats)
			}
			return err
		})
	})
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		return explain(path, err)
	}
	return nil
}
