package mongostore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/seatlock/seatlock/store"
)

// upgradeWait is after which nobody writes any more who has not seen that an
// upgrade was announced. A server goes by what it has read of the format for
// formatAge, and then takes up to tryTimeout to send what it has begun. What it
// has read may itself be late, if it came from a primary that was cut off: such
// a one steps down within the ten seconds of an election.
const upgradeWait = 20 * time.Second

// UpgradeOptions say how to upgrade a database.
type UpgradeOptions struct {
	// Log gets what a person need not know. Nil is silence.
	Log *slog.Logger
	// Program is this program's version, kept with the database.
	Program string
	// Say is told what is being done, in lines for a person. Nil is silence.
	Say func(line string)
	// Wait is how long servers get to stop writing. 0 is 20 seconds, after which
	// they have for certain; less is for tests.
	Wait time.Duration
	// Kinds are the kinds of record that there are. Nil is [store.Kinds].
	Kinds []store.Kind
}

// Upgraded tells what [Upgrade] has done: nothing if From is To.
type Upgraded struct{ From, To int }

var (
	errNoStore       = fmt.Errorf("%w: there is no Seatlock database of this name", store.ErrNoStore)
	errOvertaken     = errors.New("another upgrade has begun meanwhile: see how it ends")
	errUpgradeRights = errors.New("the upgrade drops an index and a collection, which the MongoDB user may not: run it as a user with the role readWrite on the database")
	errStillRuns     = errors.New("a Seatlock of before format 3 is connected")
	errUnfinished    = errors.New("no server writes until it is finished: run seatlock upgrade again")
)

// Upgrade brings the database that uri names to the current format. One that is
// served as it is only gets the number of that. Else servers of format 3 or
// later may run: they stop writing once it is announced, and go on if they can
// work on what comes of it. Older ones know nothing of that, and Upgrade is
// refused while one is connected to the same servers.
//
// If it breaks off before it has changed anything, servers go on. Later, the
// database is left to the next call, which begins anew, and the error says so.
// A database that is current is left as it is, and so is one of a newer format.
// Errors are one line.
func Upgrade(ctx context.Context, uri string, o UpgradeOptions) (done Upgraded, err error) {
	e, err := connect(uri, Options{Log: o.Log, Program: o.Program, Kinds: o.Kinds})
	if err != nil {
		return done, fmt.Errorf("store: %w", err)
	}
	u := upgrade{Engine: e, say: o.Say, wait: o.Wait, name: newEpoch()}
	if u.say == nil {
		u.say = func(string) {}
	}
	if u.wait == 0 {
		u.wait = upgradeWait
	}
	if done, err = u.run(ctx); err != nil {
		err = fmt.Errorf("store %s: %w", e.settings.place, e.diagnose(ctx, err))
	}
	return done, errors.Join(err, e.Close())
}

type upgrade struct {
	*Engine
	say  func(line string)
	wait time.Duration
	name string // of this upgrade, other than that of any other
}

func (u upgrade) run(ctx context.Context) (done Upgraded, err error) {
	if err := u.checkServers(ctx); err != nil {
		return done, err
	}
	r, isNew, err := u.findFormat(ctx)
	switch {
	case err != nil:
		return done, err
	case isNew:
		return done, errNoStore
	}
	done = Upgraded{From: r.document.Format, To: max(r.document.Format, store.CurrentFormat)}
	if err := r.document.upgradable(); err != nil || r.document.current() {
		return done, err
	}
	if r.document.format().Check() == nil { // it is served as it is
		if err := u.makeCollections(ctx); err != nil {
			return done, err
		}
		return done, u.raiseFormat(ctx, r.document)
	}
	if err := u.checkRights(ctx); err != nil {
		return done, err
	}
	if err := u.checkStopped(ctx); err != nil {
		return done, err
	}
	if err := u.announce(ctx, r.document); err != nil {
		return done, err
	}
	u.say(fmt.Sprintf("Upgrading from format %d to %d. Servers stop writing: this waits %v.", done.From, done.To, u.wait))
	if err := u.awaitStop(ctx); err != nil {
		return done, u.giveUp(ctx, r.document, err)
	}
	err = u.migrate(ctx, r.document)
	if err == nil {
		err = u.finish(ctx)
	}
	if err != nil && !errors.Is(err, errOvertaken) {
		err = fmt.Errorf("%w; %w", err, errUnfinished)
	}
	return done, err
}

// awaitStop returns once nobody writes any more.
func (u upgrade) awaitStop(ctx context.Context) error {
	select {
	case <-ctx.Done():
	case <-time.After(u.wait):
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return u.checkStopped(ctx)
}

// giveUp takes back what was announced, unless another upgrade had begun before
// this one: that may have changed something. ctx may have ended.
func (u upgrade) giveUp(ctx context.Context, from formatDocument, why error) error {
	if from.Next != nil {
		return fmt.Errorf("%w; %w", why, errUnfinished)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
	defer cancel()
	if err := u.withdraw(ctx); err != nil {
		return fmt.Errorf("%w; %w: %w", why, errUnfinished, err)
	}
	return why
}

// current reports whether there is nothing to upgrade. It goes by the number: a
// database of an older one may be fit to be served.
func (d formatDocument) current() bool { return d.Next == nil && d.Format >= store.CurrentFormat }

// upgradable says why a database must not be upgraded; one that is current is
// no error.
func (d formatDocument) upgradable() error {
	switch err := d.format().Check(); {
	case errors.Is(err, store.ErrUpgrading) && d.Next.Format > store.CurrentFormat:
		if newer := d.Next.format().Check(); newer != nil {
			return newer
		}
		return fmt.Errorf("%w: it is to format %d, and %q has to finish it", store.ErrUpgrading, d.Next.Format, d.Next.Program)
	case errors.Is(err, store.ErrNewer):
		return err
	}
	return nil
}

// checkRights asks for an index to be dropped that is not there, before
// anything is changed.
func (u upgrade) checkRights(ctx context.Context) error {
	err := u.db.Collection(seatsColl).Indexes().DropOne(ctx, "no-such-index")
	switch {
	case hasCode(err, codeUnauthorized):
		return errUpgradeRights
	case hasCode(err, codeIndexNotFound, codeNamespaceNotFound):
		return nil
	}
	return err
}

// checkStopped refuses while a program of format 2 is connected.
func (u upgrade) checkStopped(ctx context.Context) error {
	clients, err := u.clientsNamed(ctx, format2AppName, true)
	if hasCode(err, codeUnauthorized) {
		u.say("Only connections of this very MongoDB user are seen: make sure that no older Seatlock runs as another.")
		clients, err = u.clientsNamed(ctx, format2AppName, false)
	}
	if err != nil {
		return fmt.Errorf("look for connections of an older Seatlock: %w", err)
	}
	if len(clients) > 0 {
		return fmt.Errorf("%w from %s: stop it first, and any other", errStillRuns, strings.Join(clients, ", "))
	}
	return nil
}

// clientsNamed returns the addresses of who is connected by a name.
func (u upgrade) clientsNamed(ctx context.Context, name string, allUsers bool) (clients []string, err error) {
	cursor, err := u.admin().Aggregate(ctx, mongo.Pipeline{
		{{Key: "$currentOp", Value: bson.D{{Key: "idleConnections", Value: true}, {Key: "allUsers", Value: allUsers}}}},
		match(bson.D{{Key: "appName", Value: name}}),
		{{Key: "$project", Value: bson.D{{Key: "client", Value: 1}}}},
	})
	if err != nil {
		return nil, err
	}
	var found []struct {
		Client string `bson:"client"`
	}
	if err := cursor.All(ctx, &found); err != nil {
		return nil, err
	}
	for _, f := range found {
		host, _, err := net.SplitHostPort(f.Client)
		if err != nil {
			host = f.Client
		}
		clients = append(clients, host)
	}
	slices.Sort(clients)
	return slices.Compact(clients), nil
}

// announce has servers stop writing. It takes the place of an upgrade that was
// seen to have begun, which broke off, or still runs and then fails.
func (u upgrade) announce(ctx context.Context, from formatDocument) error {
	filter := bson.D{{Key: "_id", Value: formatID}, {Key: "format", Value: from.Format}}
	if from.Next == nil {
		filter = append(filter, missing("next")...)
	}
	_, err := u.db.Collection(metaColl).UpdateOne(ctx, filter,
		bson.D{{Key: "$set", Value: bson.D{{Key: "next", Value: ourFormat(u.program)}, {Key: "upgrade", Value: u.name}}},
			{Key: "$setOnInsert", Value: bson.D{{Key: "reader", Value: from.Reader}}}},
		options.UpdateOne().SetUpsert(true))
	if mongo.IsDuplicateKeyError(err) {
		return errOvertaken
	}
	return err
}

// withdraw takes back what was announced, before anything was changed.
func (u upgrade) withdraw(ctx context.Context) error {
	return u.setFormat(ctx, bson.D{{Key: "$unset", Value: bson.D{{Key: "next", Value: ""}, {Key: "upgrade", Value: ""}}}})
}

func (u upgrade) finish(ctx context.Context) error {
	return u.setFormat(ctx, bson.D{
		{Key: "$set", Value: bson.D{{Key: "format", Value: store.CurrentFormat}, {Key: "reader", Value: store.OldestReader}, {Key: "program", Value: u.program}}},
		{Key: "$unset", Value: bson.D{{Key: "next", Value: ""}, {Key: "upgrade", Value: ""}}},
	})
}

// setFormat changes the format's document while it is this upgrade's.
func (u upgrade) setFormat(ctx context.Context, change bson.D) error {
	result, err := u.db.Collection(metaColl).UpdateOne(ctx, bson.D{{Key: "_id", Value: formatID}, {Key: "upgrade", Value: u.name}}, change)
	if err == nil && result.MatchedCount != 1 {
		err = errOvertaken
	}
	return err
}

// migrate brings what is of an older format up to this one. Each step may be
// done again, and over one that was done in part.
func (u upgrade) migrate(ctx context.Context, from formatDocument) error {
	for _, step := range []struct {
		format int // for databases of before it
		line   string
		do     func(context.Context) error
	}{
		{store.CurrentFormat, "Making what is missing of collections and indexes.", u.makeCollections},
		{3, "Marking when clocks are over.", u.markClocks},
		{3, "Dropping the index by which clocks were removed.", u.dropClockIndex},
		{3, "Dropping the sessions: visitors get new ones, and keep their seats.", u.dropSessions},
	} {
		if from.Format >= step.format {
			continue
		}
		u.say(step.line)
		if err := u.checkOurs(ctx); err != nil {
			return err
		}
		if err := step.do(ctx); err != nil {
			return err
		}
	}
	return nil
}

// checkOurs returns errOvertaken if another upgrade has begun.
func (u upgrade) checkOurs(ctx context.Context) error {
	return u.setFormat(ctx, bson.D{{Key: "$set", Value: bson.D{{Key: "upgrade", Value: u.name}}}})
}

// markTimeout bounds one command of markClocks, with the time for it to be sent.
const markTimeout = upgradeWait / 2

// markClocks has clocks removed by the index of today. Format 2 has none of
// seats that are being paid for; format 3 has, and they must not be marked. So
// each command ends well before an upgrade that overtakes this one can finish:
// that first waits for upgradeWait. What one leaves is for the next.
func (u upgrade) markClocks(ctx context.Context) error {
	for {
		began := time.Now()
		if err := u.checkOurs(ctx); err != nil {
			return err
		}
		err := u.markSome(ctx, began.Add(markTimeout))
		if err == nil || !mongo.IsTimeout(err) || ctx.Err() != nil {
			return err
		}
	}
}

func (u upgrade) markSome(ctx context.Context, until time.Time) error {
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	_, err := u.db.Collection(seatsColl).UpdateMany(ctx,
		append(append(there("holder"), there("deadline")...), missing("over")...),
		mongo.Pipeline{{{Key: "$set", Value: bson.D{{Key: "over", Value: "$deadline"}}}}})
	return err
}

// dropClockIndex drops the index of format 2 that would remove a clock also
// while its seats are being paid for.
func (u upgrade) dropClockIndex(ctx context.Context) error {
	err := u.db.Collection(seatsColl).Indexes().DropWithKey(ctx, bson.D{{Key: "deadline", Value: 1}})
	if hasCode(err, codeIndexNotFound) {
		return nil
	}
	return err
}

// dropSessions drops what stands for sessions in format 2, by a hash from which
// today's cannot be made.
func (u upgrade) dropSessions(ctx context.Context) error {
	return u.db.Collection("sessions").Drop(ctx)
}
