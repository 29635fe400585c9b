package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/seatlock/seatlock/store/mongostore"
	"github.com/seatlock/seatlock/store/sqlitestore"
)

// upgrading has the flags of upgrade.
type upgrading struct {
	store string
}

func (u *upgrading) flags() *flag.FlagSet {
	f := newFlags()
	storeFlag(f, &u.store)
	return f
}

const upgradeManual = `
A file is first copied, beside itself; no server may run on it. On MongoDB servers
are told to stop writing, which takes 20 seconds; make a backup first. If the upgrade
is interrupted, run it again. Programs from before formats (48c37df and earlier) must
be stopped by hand: upgrade sees them, and refuses.
`

// upgradeStore brings a store up to the format of this program.
func upgradeStore(ctx context.Context, args []string, getenv func(string) string, stdout, _ io.Writer) error {
	var u upgrading
	rest, err := parse(u.flags(), args, getenv)
	switch {
	case err != nil:
		return err
	case len(rest) > 0:
		return usageError{fmt.Errorf("unexpected argument %q (--help lists all flags)", rest[0])}
	}
	if err := checkStore(u.store); err != nil {
		return err
	}
	if path, embedded := strings.CutPrefix(u.store, "sqlite:"); embedded {
		return upgradeFile(ctx, path, stdout)
	}
	return upgradeMongo(ctx, u.store, stdout)
}

func upgradeFile(ctx context.Context, path string, stdout io.Writer) error {
	if err := checkThere(path); err != nil {
		return err
	}
	done, err := sqlitestore.Upgrade(ctx, path, programVersion())
	if err != nil {
		return err
	}
	if done.Backup == "" {
		return sayCurrent(stdout, path, done.From)
	}
	_, err = fmt.Fprintf(stdout, "Store %s was upgraded from format %d to %d. As it was before, it is in %s.\n", path, done.From, done.To, done.Backup)
	return err
}

func upgradeMongo(ctx context.Context, uri string, stdout io.Writer) error {
	done, err := mongostore.Upgrade(ctx, uri, mongostore.UpgradeOptions{
		Program: programVersion(),
		Say:     func(line string) { fmt.Fprintln(stdout, line) },
	})
	if err != nil {
		return err
	}
	if done.From == done.To {
		return sayCurrent(stdout, hidePassword(uri), done.From)
	}
	_, err = fmt.Fprintf(stdout, "Store %s was upgraded from format %d to %d.\n", hidePassword(uri), done.From, done.To)
	return err
}

func sayCurrent(stdout io.Writer, place string, format int) error {
	_, err := fmt.Fprintf(stdout, "Store %s has format %d, which this program works with: nothing was changed.\n", place, format)
	return err
}
