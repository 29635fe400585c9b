package mongostore

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"github.com/seatlock/seatlock/store"
)

const (
	prepareTimeout = 10 * time.Second // indexes included
	keepClocks     = 7 * 24 * 60 * 60 // seconds after their end
	longestBackoff = 5 * time.Second
	appName        = "seatlock" // by which servers know our connections
)

// Open opens the database that uri names, mongodb://…/database?replicaSet=…,
// and makes its collections and indexes where there are none. Errors are one
// line that a person can act on, without the password.
//
// Servers that cannot be reached are no error: Open then returns a store whose
// methods answer [store.ErrUnavailable] until they can.
func Open(ctx context.Context, uri string, o Options) (*Store, error) {
	log := o.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	set, err := parse(uri)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	primary := newPrimary()
	client, err := mongo.Connect(set.client, options.Client().SetServerMonitor(primary.monitor()))
	if err != nil {
		return nil, fmt.Errorf("store %s: %w", set.place, errBadURI)
	}
	s := &Store{
		db: client.Database(set.database), settings: set, log: log, primary: primary,
		lost: make(chan struct{}, 1), kept: make(chan struct{}),
	}
	s.life, s.end = context.WithCancel(context.Background())
	s.close = sync.OnceValue(s.shut)
	if err := s.moveIn(ctx); err != nil {
		if hopeless(err) || ctx.Err() != nil {
			close(s.kept)
			return nil, fmt.Errorf("store %s: %w", set.place, errors.Join(err, s.Close()))
		}
		log.Warn("the store cannot be reached, trying again", "store", set.place, "error", err)
		s.moveHouse()
	}
	go s.keep()
	return s, nil
}

// settings are what the URI says, with ours on top.
type settings struct {
	client   *options.ClientOptions
	database string
	place    string // hosts and database, for people to read
}

var (
	errBadURI     = errors.New("malformed: want mongodb://USER:PASSWORD@HOST,HOST/DATABASE?replicaSet=NAME")
	errNoSRV      = errors.New("its host cannot be looked up now, or the address is malformed: want mongodb+srv://USER:PASSWORD@HOST/DATABASE")
	errNoDatabase = errors.New("the URI names no database: put one after the hosts, as in mongodb://HOST/seatlock")
	errWeakWrites = errors.New("the URI asks for writes that a failing server may take back (w, journal or retryWrites): leave them out, writes are always confirmed by a majority")
)

// CheckURI says what is wrong with a URI before any server is asked, in one
// line without the password.
func CheckURI(uri string) error {
	_, err := parse(uri)
	return err
}

func parse(uri string) (settings, error) {
	client := options.Client().ApplyURI(uri)
	if client.Validate() != nil { // its text may hold the password
		if strings.HasPrefix(uri, "mongodb+srv://") {
			return settings{}, errNoSRV
		}
		return settings{}, errBadURI
	}
	set := settings{client: client, database: databaseOf(uri)}
	set.place = strings.Join(client.Hosts, ",") + "/" + set.database
	switch concern := client.WriteConcern; {
	case set.database == "", strings.ContainsAny(set.database, `/\. "$`):
		return settings{}, fmt.Errorf("%s: %w", set.place, errNoDatabase)
	case concern != nil && (concern.W != nil && concern.W != "majority" || concern.Journal != nil && !*concern.Journal),
		client.RetryWrites != nil && !*client.RetryWrites:
		return settings{}, fmt.Errorf("%s: %w", set.place, errWeakWrites)
	}
	client.SetAppName(appName).
		SetConnectTimeout(connectTimeout).SetHeartbeatInterval(heartbeat).SetServerSelectionTimeout(selectionTimeout).
		SetWriteConcern(writeconcern.Majority()).SetReadConcern(readconcern.Majority()).SetReadPreference(readpref.Primary()).
		SetRetryWrites(true).SetRetryReads(true)
	return set, nil
}

// databaseOf returns the path of a connection string. What precedes it has no
// slash that is not escaped.
func databaseOf(uri string) string {
	_, rest, _ := strings.Cut(uri, "://")
	_, rest, _ = strings.Cut(rest, "/")
	name, _, _ := strings.Cut(rest, "?")
	if plain, err := url.PathUnescape(name); err == nil {
		return plain
	}
	return name
}

// moveHouse gives up what is known of the store: it was dropped or restored,
// and has to be looked at anew.
func (s *Store) moveHouse() {
	s.home.Store(nil)
	select {
	case s.lost <- struct{}{}:
	default: // known already
	}
}

// keep moves in again whenever that is needed, until the store is closed.
func (s *Store) keep() {
	defer close(s.kept)
	for {
		select {
		case <-s.life.Done():
			return
		case <-s.lost:
		}
		for wait := 50 * time.Millisecond; s.home.Load() == nil; wait = min(2*wait, longestBackoff) {
			err := s.moveIn(s.life)
			if err == nil {
				s.log.Info("the store is ready", "store", s.settings.place)
				break
			}
			s.log.Debug("the store is not ready", "store", s.settings.place, "error", err)
			select {
			case <-s.life.Done():
				return
			case <-time.After(wait):
			}
		}
	}
}

// moveIn checks the servers, makes what is missing, and makes the store ready.
func (s *Store) moveIn(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, prepareTimeout)
	defer cancel()
	h, err := s.prepare(ctx)
	if err != nil {
		err = s.diagnose(ctx, err)
		s.trouble.Store(&err)
		return err
	}
	s.home.Store(h)
	return nil
}

func (s *Store) prepare(ctx context.Context) (*home, error) {
	if err := s.checkServers(ctx); err != nil {
		return nil, err
	}
	if err := s.makeCollections(ctx); err != nil {
		return nil, err
	}
	secret, err := s.secret(ctx)
	if err != nil {
		return nil, err
	}
	h, err := s.epoch(ctx)
	if err != nil {
		return nil, err
	}
	h.secret = secret
	return h, nil
}

// makeCollections is safe to do at once on any number of instances, and does
// nothing where all is there. A transaction could make a collection too, but
// not its indexes.
func (s *Store) makeCollections(ctx context.Context) error {
	for _, name := range []string{eventsColl, plansColl, metaColl} {
		if err := s.db.CreateCollection(ctx, name); err != nil && !hasCode(err, codeNamespaceExists) {
			return fmt.Errorf("make collection %s: %w", name, err)
		}
	}
	for collection, indexes := range map[string][]mongo.IndexModel{
		seatsColl: {
			index("event_place", bson.D{{Key: "event", Value: 1}, {Key: "place", Value: 1}}, options.Index()),
			index("held", bson.D{{Key: "event", Value: 1}, {Key: "lockedBy", Value: 1}}, options.Index().
				SetPartialFilterExpression(bson.D{{Key: "lockedBy", Value: bson.D{{Key: "$exists", Value: true}}}})),
			index("due", bson.D{{Key: "lockedUntil", Value: 1}}, options.Index().
				SetPartialFilterExpression(bson.D{{Key: "status", Value: store.Locked.String()}})),
			// The servers remove clocks and sessions that are long over. Nothing
			// relies on when.
			index("over", bson.D{{Key: "deadline", Value: 1}}, options.Index().SetExpireAfterSeconds(keepClocks).
				SetPartialFilterExpression(bson.D{{Key: "deadline", Value: bson.D{{Key: "$exists", Value: true}}}})),
		},
		sessionsColl: {index("over", bson.D{{Key: "expires", Value: 1}}, options.Index().SetExpireAfterSeconds(0))},
	} {
		for _, model := range indexes {
			if err := s.makeIndex(ctx, collection, model); err != nil {
				return fmt.Errorf("make indexes of %s: %w", collection, err)
			}
		}
	}
	return nil
}

// makeIndex leaves what another version has made of an index: its instances
// may be at work beside this one. No answer depends on it, only how fast it is.
func (s *Store) makeIndex(ctx context.Context, collection string, model mongo.IndexModel) error {
	_, err := s.db.Collection(collection).Indexes().CreateOne(ctx, model)
	if hasCode(err, codeIndexOptionsConflict, codeIndexKeySpecsConflict) {
		s.log.Warn("another version of Seatlock made an index, which stays: drop it when none runs any more, and start again",
			"collection", collection, "error", err)
		return nil
	}
	return err
}

func index(name string, keys bson.D, o *options.IndexOptionsBuilder) mongo.IndexModel {
	return mongo.IndexModel{Keys: keys, Options: o.SetName(name)}
}

// secret returns the store's secret, made by whoever came first.
func (s *Store) secret(ctx context.Context) ([]byte, error) {
	random := make([]byte, 32)
	rand.Read(random)
	var meta struct {
		Secret []byte `bson:"secret"`
	}
	err := s.makeMeta(ctx, bson.D{{Key: "_id", Value: "secret"}},
		bson.D{{Key: "$setOnInsert", Value: bson.D{{Key: "secret", Value: random}}}}, &meta)
	if err == nil && len(meta.Secret) != len(random) {
		err = fmt.Errorf("%w: the secret in %s", errDamaged, metaColl)
	}
	return meta.Secret, err
}

// epoch returns the history that the store is in. Whoever first finds seats in
// another collection than they were, which a restored backup makes, begins a
// new one.
func (s *Store) epoch(ctx context.Context) (*home, error) {
	seats, err := s.identity(ctx)
	if err != nil {
		return nil, err
	}
	since, err := s.serverTime(ctx)
	if err != nil {
		return nil, err
	}
	var meta struct {
		Epoch string         `bson:"epoch"`
		Since bson.Timestamp `bson:"since"`
	}
	err = s.makeMeta(ctx, bson.D{{Key: "_id", Value: "epoch"}, {Key: "seats", Value: bson.D{{Key: "$ne", Value: seats}}}},
		bson.D{{Key: "$set", Value: bson.D{{Key: "epoch", Value: newEpoch()}, {Key: "seats", Value: seats}, {Key: "since", Value: since}}}}, &meta)
	if err == nil && !store.ValidID(meta.Epoch) {
		err = fmt.Errorf("%w: the epoch in %s", errDamaged, metaColl)
	}
	return &home{epoch: meta.Epoch, since: position(meta.Since)}, err
}

// makeMeta changes a document of meta, or makes it, unless the filter says
// that there is nothing to do, and reads it. Of those who make it at once one
// does, and the others find its _id taken.
func (s *Store) makeMeta(ctx context.Context, filter, update bson.D, to any) error {
	meta := s.db.Collection(metaColl)
	_, err := meta.UpdateOne(ctx, filter, update, options.UpdateOne().SetUpsert(true))
	if err != nil && !mongo.IsDuplicateKeyError(err) {
		return fmt.Errorf("write %v: %w", filter[0].Value, err)
	}
	if err := meta.FindOne(ctx, filter[:1]).Decode(to); err != nil {
		return fmt.Errorf("read %v: %w", filter[0].Value, err)
	}
	return nil
}

// identity returns the UUID of the collection of seats.
func (s *Store) identity(ctx context.Context) (bson.Binary, error) {
	found, err := s.db.ListCollectionSpecifications(ctx, bson.D{{Key: "name", Value: seatsColl}})
	switch {
	case err != nil:
		return bson.Binary{}, fmt.Errorf("list collections: %w", err)
	case len(found) != 1 || found[0].UUID == nil:
		return bson.Binary{}, fmt.Errorf("%w: collection %s has no UUID", errDamaged, seatsColl)
	}
	return *found[0].UUID, nil
}

// newEpoch is short, since it travels in every frame, and random enough that a
// store and its restored backup never share one.
func newEpoch() string {
	id := make([]byte, 8)
	rand.Read(id)
	return hex.EncodeToString(id)
}
