package mongostore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/seatlock/seatlock/store"
)

// Reasons why a database cannot be used, each with what to do.
var (
	errCredentials = errors.New("MongoDB refuses the user name or password: check them, and authSource, in the URI")
	errRights      = errors.New("the MongoDB user may not do what Seatlock needs: grant it the role readWrite on the database")
	errStandalone  = errors.New("MongoDB runs without a replica set, which the live map needs: " +
		`start mongod with --replSet rs0, and once run: mongosh --eval 'rs.initiate()'`)
	errNotInitiated = errors.New(`the replica set was not initiated yet: once run: mongosh --eval 'rs.initiate()'`)
	errSetName      = errors.New("the servers belong to a replica set of another name")
	errTooOld       = errors.New("MongoDB is too old: install 6.0 or later")
)

const (
	oldestMajor = 6
	mostSkew    = time.Second
)

// hopeless reports whether only a person can help.
func hopeless(err error) bool {
	for _, reason := range []error{
		errCredentials, errRights, errStandalone, errNotInitiated, errSetName, errTooOld, errDamaged,
		store.ErrNewer, store.ErrOlder, store.ErrUpgrading, errNoStore, errOvertaken, errUpgradeRights, errStillRuns, errUnfinished,
	} {
		if errors.Is(err, reason) {
			return true
		}
	}
	return false
}

// helloReply is what a server says of itself.
type helloReply struct {
	SetName    string    `bson:"setName"`
	ReplicaSet bool      `bson:"isreplicaset"` // meant to be one, and not initiated
	Msg        string    `bson:"msg"`
	LocalTime  time.Time `bson:"localTime"`
}

func (e *Engine) hello(ctx context.Context) (reply helloReply, err error) {
	err = e.db.RunCommand(ctx, bson.D{{Key: "hello", Value: 1}}).Decode(&reply)
	return reply, err
}

// fault says why a server that says this cannot be used, or nil.
func (r helloReply) fault() error {
	switch {
	case r.SetName != "", r.Msg == "isdbgrid": // a cluster's router
		return nil
	case r.ReplicaSet:
		return errNotInitiated
	}
	return errStandalone
}

// checkServers looks at the primary.
func (e *Engine) checkServers(ctx context.Context) error {
	began := time.Now()
	reply, err := e.hello(ctx)
	if err != nil {
		return fmt.Errorf("reach MongoDB: %w", err)
	}
	if err := reply.fault(); err != nil {
		return err
	}
	e.checkClock(reply.LocalTime, began.Add(time.Since(began)/2))
	var b build
	if err := e.db.RunCommand(ctx, bson.D{{Key: "buildInfo", Value: 1}}).Decode(&b); err != nil {
		return fmt.Errorf("ask for MongoDB's version: %w", err)
	}
	return b.fault()
}

// checkClock warns of what makes other times in logs than on locks, and often
// comes from servers that have no common time at all.
func (e *Engine) checkClock(theirs, ours time.Time) {
	if skew := theirs.Sub(ours); skew.Abs() > mostSkew {
		e.log.Warn("the clocks of MongoDB and of this machine differ, and MongoDB's counts", "by", skew.Round(100*time.Millisecond))
	}
}

// build is the version of a server.
type build struct {
	Version []int32 `bson:"versionArray"`
	Text    string  `bson:"version"`
}

func (b build) fault() error {
	if len(b.Version) == 0 || b.Version[0] < oldestMajor {
		return fmt.Errorf("%w: it is %s", errTooOld, b.Text)
	}
	return nil
}

// diagnose turns a failure into a reason that a person can act on, if it is
// one. A server that is no member of the replica set is not even selected: it
// has to be asked by itself.
func (e *Engine) diagnose(ctx context.Context, err error) error {
	switch {
	case hopeless(err):
		return err
	case hasCode(err, codeAuthenticationFailed), strings.Contains(err.Error(), "(AuthenticationFailed)"):
		return errCredentials
	case hasCode(err, codeUnauthorized):
		return errRights
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), connectTimeout)
	defer cancel()
	for _, host := range e.settings.client.Hosts {
		reply, asked := e.ask(ctx, host)
		if asked != nil {
			continue
		}
		if fault := reply.fault(); fault != nil {
			return fault
		}
		if want := e.settings.client.ReplicaSet; want != nil && reply.SetName != "" && reply.SetName != *want {
			return fmt.Errorf("%w: %s, and the URI says %s", errSetName, reply.SetName, *want)
		}
	}
	return err
}

// ask has one server say what it is, which it does to anybody.
func (e *Engine) ask(ctx context.Context, host string) (reply helloReply, err error) {
	alone := *e.settings.client
	alone.Auth, alone.ReplicaSet = nil, nil
	client, err := mongo.Connect(alone.SetHosts([]string{host}).SetDirect(true), options.Client().SetServerSelectionTimeout(connectTimeout))
	if err != nil {
		return reply, err
	}
	defer func() {
		if closing := client.Disconnect(context.WithoutCancel(ctx)); err == nil {
			err = closing
		}
	}()
	err = client.Database("admin").RunCommand(ctx, bson.D{{Key: "hello", Value: 1}}).Decode(&reply)
	return reply, err
}
