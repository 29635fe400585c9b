package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/seatlock/seatlock/store"
	"github.com/seatlock/seatlock/store/mongostore"
	"github.com/seatlock/seatlock/store/plan"
	"github.com/seatlock/seatlock/store/sqlitestore"
)

// storeCommand has the flags of commands on the whole store.
type storeCommand struct {
	store string
}

func (c *storeCommand) flags() *flag.FlagSet {
	f := newFlags()
	storeFlag(f, &c.store)
	return f
}

// read reads the flags, and wants as many other arguments.
func (c *storeCommand) read(name string, args []string, getenv func(string) string, want int) (rest []string, err error) {
	rest, err = parse(c.flags(), args, getenv)
	switch {
	case err != nil:
		return nil, err
	case len(rest) > want:
		return nil, usageError{fmt.Errorf("unexpected argument %q (--help lists all flags)", rest[want])}
	case len(rest) < want:
		return nil, usageError{fmt.Errorf("%s wants a FILE", name)}
	}
	return rest, checkStore(c.store)
}

const backupManual = `
FILE must not exist. It holds the secret that signs cookies and tickets: keep it where
nobody else reads it. To restore, stop the server, move the store and its -wal and -shm
files away, and put FILE in the store's place. For MongoDB use mongodump; see
docs/operate.md.
`

// backupStore copies an embedded store.
func backupStore(ctx context.Context, args []string, getenv func(string) string, stdout, _ io.Writer) error {
	var c storeCommand
	rest, err := c.read("backup", args, getenv, 1)
	if err != nil {
		return err
	}
	path, embedded := strings.CutPrefix(c.store, "sqlite:")
	if !embedded {
		return usageError{errors.New("backup is for the embedded store: MongoDB has mongodump (docs/operate.md)")}
	}
	if err := checkThere(path); err != nil {
		return err
	}
	if err := sqlitestore.Backup(ctx, path, rest[0]); err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "Store %s was copied into %s.\n", path, rest[0])
	return err
}

const checkManual = `
It reads everything and changes nothing, also under a running server. Each fault is
a line, and the exit code is then 1.
`

// checkWhole checks that what the store holds fits together.
func checkWhole(ctx context.Context, args []string, getenv func(string) string, stdout, _ io.Writer) error {
	var c storeCommand
	if _, err := c.read("check", args, getenv, 0); err != nil {
		return err
	}
	found, err := findings(ctx, c.store)
	if err != nil {
		return err
	}
	for _, line := range found {
		fmt.Fprintln(stdout, line)
	}
	if n := len(found); n > 0 {
		return fmt.Errorf("store %s: %s: see docs/operate.md", hidePassword(c.store), count(n, "finding"))
	}
	_, err = fmt.Fprintf(stdout, "Store %s is sound.\n", hidePassword(c.store))
	return err
}

// findings returns those of the engine, and events whose seats are not those of
// their plan. The store is not opened for work: that could change it.
func findings(ctx context.Context, address string) (found []store.Finding, err error) {
	check, halls := mongostore.Check, mongostore.Halls
	if path, embedded := strings.CutPrefix(address, "sqlite:"); embedded {
		if err := checkThere(path); err != nil {
			return nil, err
		}
		address, check, halls = path, sqlitestore.Check, sqlitestore.Halls
	}
	found, err = check(ctx, address)
	if err != nil || len(found) > 0 { // the plans of a store that is not sound tell nothing
		return found, err
	}
	err = halls(ctx, address, func(event string, body []byte, seats []string) {
		switch hall, err := plan.Decode(body); {
		case err != nil:
			found = append(found, store.Findingf("event %s: its plan cannot be read: %v", event, err))
		case !slices.Equal(hall.SeatIDs(), seats):
			found = append(found, store.Findingf("event %s: its seats are not those of its plan", event))
		}
	})
	return found, err
}

const epochManual = `
Use it, with every server stopped, for a database whose volumes or disks were put back
to an older state. Open pages then get the whole map again. After mongorestore, and
for the embedded store, it is not needed: Seatlock notices by itself.
`

// beginEpoch gives a MongoDB store a new epoch.
func beginEpoch(ctx context.Context, args []string, getenv func(string) string, stdout, _ io.Writer) error {
	var c storeCommand
	if _, err := c.read("new-epoch", args, getenv, 0); err != nil {
		return err
	}
	if strings.HasPrefix(c.store, "sqlite:") {
		return usageError{errors.New("new-epoch is for MongoDB: an embedded store begins an epoch with every start of a server")}
	}
	if err := mongostore.NewEpoch(ctx, c.store); err != nil {
		return err
	}
	_, err := fmt.Fprintf(stdout, "Store %s has a new epoch.\n", hidePassword(c.store))
	return err
}
